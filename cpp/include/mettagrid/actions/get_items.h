#pragma once

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Takes from the object ahead what it offers, up to the agent's limits: all outputs of a converter.
//   before  @ m  (the mine holds ore)  get_items  after  @ m  (the agent holds it)
Outcome GetItems(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t argument);
void MaskGetItems(const World& world, AgentId agent, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
