#pragma once

#include <cstdint>
#include <span>

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Carries out one step's actions, phase by phase, each in the same seeded random order of agents.
// An index outside the action table is counted once and fails.
void ResolveActions(const World& world, std::span<const std::int32_t> actions);

}  // namespace mettagrid
