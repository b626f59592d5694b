#pragma once

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Exchanges places with a swappable static or a frozen agent ahead.
//   before  > B .      after  B > .
Outcome Swap(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t argument);
void MaskSwap(const World& world, AgentId agent, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
