#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mettagrid/maps/canvas.h"
#include "mettagrid/maps/palette.h"

namespace mettagrid::maps {

enum class Connectivity : std::uint8_t { kNone, kCheck, kRepair };

// The first thing out of reach, for a message.
struct Fault {
  Symbol symbol = kFree;
  Point place;  // in the view
};

// Whether every agent can walk to every other, and from there to a cell beside every object, in steps to the four
// neighbours over free cells, those that agents stand on, and doors, which somebody may open. Without agents the
// largest region is where one would be. True: all is in reach; else `fault` tells what is not.
bool AllReachable(View view, const Palette& palette, Fault& fault);

// Digs the shortest tunnels through walls that make AllReachable true; true when it succeeded.
bool RepairReach(View view, const Palette& palette);

// Digs until all cells that can be walked on are one region. Objects are not dug through.
void ConnectAll(View view, const Palette& palette);

}  // namespace mettagrid::maps
