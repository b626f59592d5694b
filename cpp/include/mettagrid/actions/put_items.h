#pragma once

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Puts into the object ahead what it lacks: a converter takes what its recipe still needs.
//   before  @ n  (the agent holds ore)  put_items  after  @ n  (the generator holds it)
Outcome PutItems(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t argument);
void MaskPutItems(const World& world, AgentId agent, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
