#pragma once

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Does nothing, always succeeds.
Outcome Noop(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t argument);
void MaskNoop(const World& world, AgentId agent, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
