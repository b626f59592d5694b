#pragma once

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Puts the shield up, if the agent holds one step's upkeep on top of what the action costs, or takes it down.
Outcome ToggleShield(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t argument);
void MaskShield(const World& world, AgentId agent, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
