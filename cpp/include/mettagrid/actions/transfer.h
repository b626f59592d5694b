#pragma once

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Gives the fixed amount of resource number `number` to the agent ahead, all or nothing.
Outcome Transfer(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t number);
void MaskTransfer(const World& world, AgentId agent, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
