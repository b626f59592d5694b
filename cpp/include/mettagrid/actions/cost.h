#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Whether the cost can be met in the next step, as far as the agent holds today.
inline bool CanAfford(const World& world, AgentId agent, const ActionCost& cost) {
  return world.Holds(agent, cost.needed);
}

// Whether it can be met now, in the middle of a step.
inline bool CanPay(const World& world, AgentId agent, const ActionCost& cost) {
  for (const ItemAmount& price : cost.needed) {
    if (world.Spendable(agent, price.item) < price.amount) return false;
  }
  return true;
}

// Takes the whole units, and each fraction with its probability, drawn from the agent's stream of this step.
void PayCost(const World& world, AgentId agent, const ActionCost& cost);

}  // namespace mettagrid
