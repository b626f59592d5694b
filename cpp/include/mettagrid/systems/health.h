#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Agents without hit points die; those that are down long enough come back. A death in step t with `respawn_ticks` n
// costs the steps t + 1 .. t + n.
void RunHealth(const World& world);

}  // namespace mettagrid
