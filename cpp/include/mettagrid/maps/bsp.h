#pragma once

#include <vector>

#include "mettagrid/core/rng.h"
#include "mettagrid/maps/canvas.h"

namespace mettagrid::maps {

struct BspParams {
  int rooms = 10;
  int min_room_size = 3;
  double min_ratio = 0.5;  // side of a room over the side of its part
  double max_ratio = 0.9;
  bool skip_corridors = false;
  Symbol wall = 1;
};

// Splits the view again and again, the largest part first, until there are `parts` of them or none can be split into
// sides of at least `least_side`.
std::vector<Box> SplitArea(const Box& whole, int parts, int least_side, RandomStream& random);

// A room in each part of a binary space partition, joined along its tree by bent corridors one cell wide.
// Returns the rooms.
std::vector<Box> DrawBsp(View view, const BspParams& params, RandomStream& random);

}  // namespace mettagrid::maps
