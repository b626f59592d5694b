#pragma once

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Turns the agent where it stands. Always succeeds, even when it looked that way before.
Outcome Rotate(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t direction);
void MaskRotate(const World& world, AgentId agent, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
