#pragma once

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Takes the block ahead away, if there is room for what it returns.
//   before  > B      after  > .
Outcome PickBlock(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t argument);
void MaskPickBlock(const World& world, AgentId agent, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
