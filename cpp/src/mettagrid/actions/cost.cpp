#include "mettagrid/actions/cost.h"

#include "mettagrid/core/rng.h"

namespace mettagrid {

void PayCost(const World& world, AgentId agent, const ActionCost& cost) {
  world.Pay(agent, cost.consumed);
  if (cost.chances.empty()) return;
  const WorldHeader& header = world.header();
  RandomStream random(header.seed, header.env, header.episode, header.step, Purpose::kCost, agent.value);
  for (const ItemChance& chance : cost.chances) {
    if (random.Next() < chance.fraction) world.Lose(agent, chance.item, 1);
  }
}

}  // namespace mettagrid
