#pragma once

#include <cstdint>

#include "mettagrid/core/rng.h"
#include "mettagrid/maps/canvas.h"

namespace mettagrid::maps {

struct CavesParams {
  double fill = 0.4;
  int steps = 3;
  int birth = 5;
  int death = 3;
  Symbol wall = 1;
};

// Random walls, smoothed by a cellular automaton over the eight neighbours: a free cell with at least `birth` walls
// around it becomes wall, a wall with fewer than `death` becomes free. Outside the view counts as wall.
void DrawCaves(View view, const CavesParams& params, RandomStream& random);

enum class TerrainStyle : std::uint8_t { kSparse, kBalanced, kDense, kMaze };

// Obstacles in numbers that scale with the area (the counts are for 60x60) and cover at most 30 % of it: large and
// small blobs, crosses, little labyrinths, single cells. None touches another, so that there is always a way around;
// only labyrinths enclose free cells, and each has openings.
void DrawTerrain(View view, TerrainStyle style, Symbol wall, RandomStream& random);

}  // namespace mettagrid::maps
