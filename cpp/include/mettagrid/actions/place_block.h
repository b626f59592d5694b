#pragma once

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Sets a block on the empty cell ahead.
//   before  > .      after  > B
Outcome PlaceBlock(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t argument);
void MaskPlaceBlock(const World& world, AgentId agent, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
