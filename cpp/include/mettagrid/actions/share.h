#pragma once

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Gives half of each shareable resource to the agent ahead, as far as that has room; succeeds when a unit moved.
Outcome Share(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t argument);
void MaskShare(const World& world, AgentId agent, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
