#pragma once

#include "mettagrid/actions/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Turns the agent, then steps into an empty cell or uses the converter there. The cost is paid on success only.
//   before  @ .  move_east  after  . @        before  @ m  move_east  after  @ m  (and the agent holds the ore)
Outcome Move(const World& world, AgentId agent, Orientation direction);

// Puts what the recipe lacks, takes what is offered. Done when at least one unit moved.
Outcome Use(const World& world, AgentId agent, ConverterId converter);

}  // namespace mettagrid
