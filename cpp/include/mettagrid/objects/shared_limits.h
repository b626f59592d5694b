#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Whether every agent and every group keeps its shared limits.
bool SharedLimitsHold(const World& world);

}  // namespace mettagrid
