#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Phase 3 of a step: one more frozen step is over.
void ThawAgents(const World& world);

}  // namespace mettagrid
