#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

inline bool CanAfford(const World& world, AgentId agent, const ActionCost& cost) {
  return world.Holds(agent, cost.needed);
}

// Takes the whole units, and each fraction with its probability, drawn from the agent's stream of this step.
void PayCost(const World& world, AgentId agent, const ActionCost& cost);

}  // namespace mettagrid
