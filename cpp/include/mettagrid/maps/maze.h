#pragma once

#include <cstdint>

#include "mettagrid/core/rng.h"
#include "mettagrid/maps/canvas.h"

namespace mettagrid::maps {

enum class MazeAlgorithm : std::uint8_t { kKruskal, kPrim, kDepthFirst };

struct MazeParams {
  MazeAlgorithm algorithm = MazeAlgorithm::kKruskal;
  int room_least = 1;
  int room_most = 1;
  int wall_least = 1;
  int wall_most = 1;
  Symbol wall = 1;
};

// A perfect maze: its rooms are the nodes of a grid, the openings between them a spanning tree. Rows and columns of
// rooms draw their own sizes; what is left over at the right and bottom stays wall.
//
//   room_size 2, wall_size 1:   ..#..
//                               .....      <- an opening is as wide as the room's side
//                               ####.
//                               .....
//                               .....
void DrawMaze(View view, const MazeParams& params, RandomStream& random);

struct RadialMazeParams {
  int arms = 4;
  int arm_width = 4;
  int arm_length = 0;
  Symbol wall = 1;
};

struct RadialMazeAreas {
  Box center;
  std::vector<Box> endpoints;  // in order of the arms, clockwise from north
};

// Straight arms from the middle, at equal angles, carved out of a filled view.
RadialMazeAreas DrawRadialMaze(View view, const RadialMazeParams& params);

}  // namespace mettagrid::maps
