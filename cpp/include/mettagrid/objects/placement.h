#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Words of scratch memory that DrawMap needs for this map.
std::size_t ScratchSize(const MapPlan& map);

// Draws the map of (seed, env, episode) into an empty world and numbers agents and objects in the order in which they
// are placed. Objects that the map does not hold stay at kNowhere.
void DrawMap(const World& world, std::span<std::uint32_t> scratch);

}  // namespace mettagrid
