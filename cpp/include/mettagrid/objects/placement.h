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
// Throws EnvError when a generator finds no map, or the map holds more objects than the world has room for.
void DrawMap(const World& world, std::span<std::uint32_t> scratch);

// The same map as symbols, without a world: 0 is an empty cell, s > 0 is map.things[s - 1]. Shapes: [height][width].
void DrawSymbols(const MapPlan& map, const maps::MapId& id, std::span<std::uint32_t> scratch,
                 std::span<maps::Symbol> symbols);

}  // namespace mettagrid
