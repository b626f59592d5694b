#pragma once

#include <span>

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Which actions can succeed in the next step, one flag per action of `agent`. What is ruled out surely fails; what is
// allowed fails only by a conflict with what another agent does in that step. Looks ahead at the objects' next
// timed events, because these come before the actions.
void WriteActionMask(const World& world, AgentId agent, std::span<bool> mask);

}  // namespace mettagrid
