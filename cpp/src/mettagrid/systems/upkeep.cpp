#include "mettagrid/systems/upkeep.h"

#include <algorithm>

#include "mettagrid/systems/fractions.h"

namespace mettagrid {
namespace {

// Whether the agent could pay everything.
bool Pay(const World& world, AgentId agent, const UpkeepRules& rules) {
  RandomStream random = StreamOf(world, Purpose::kUpkeep, agent);
  bool paid = true;
  for (const ItemRate& price : rules.prices) {
    const std::uint64_t due = DrawWhole(price.rate, random);
    const std::uint64_t held = world.Inventory(agent)[price.item.index()];
    const auto units = static_cast<Amount>(std::min(due, held));
    if (units > 0) world.Lose(agent, price.item, units);
    paid &= held >= due;
  }
  return paid;
}

// Frozen counters went down already in this step: a 1 blocks the next step.
void FreezeForNextStep(const World& world, AgentId agent) {
  std::uint16_t& frozen = world.agents.frozen[agent.index()];
  if (frozen > 0) return;
  frozen = 1;
  world.agents.changed[agent.index()] |= kLooksChanged;
}

void LowerShield(const World& world, AgentId agent) {
  if (world.agents.shield[agent.index()] == 0) return;
  world.agents.shield[agent.index()] = 0;
  world.agents.changed[agent.index()] |= kLooksChanged;
}

// Death comes with the health system, later in this step.
void LetFall(const World& world, AgentId agent) {
  const ItemId hp = world.program->systems.health.hp;
  const Amount held = world.Inventory(agent)[hp.index()];
  if (held > 0) world.Lose(agent, hp, held);
}

}  // namespace

void PayUpkeep(const World& world) {
  const UpkeepRules& rules = world.program->systems.upkeep;
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    const AgentId agent(i);
    if (!world.IsHere(agent) || Pay(world, agent, rules)) continue;
    world.Count(agent, rules.unpaid);
    LowerShield(world, agent);
    if (rules.on_shortage == OnShortage::kFreeze) FreezeForNextStep(world, agent);
    if (rules.on_shortage == OnShortage::kDie) LetFall(world, agent);
  }
}

}  // namespace mettagrid
