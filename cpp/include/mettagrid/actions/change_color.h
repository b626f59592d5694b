#pragma once

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Shifts the agent's colour, a byte that wraps around, by +1, -1, +63, -63.
Outcome ChangeColor(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t shift);
void MaskChangeColor(const World& world, AgentId agent, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
