#include "mettagrid/systems/shield.h"

namespace mettagrid {

void PayShields(const World& world) {
  const ShieldRules& rules = world.program->shield;
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    const AgentId agent(i);
    if (world.agents.shield[i] == 0 || !world.IsHere(agent)) continue;
    const Amount held = world.Inventory(agent)[rules.resource.index()];
    if (held >= rules.upkeep && rules.upkeep > 0) {
      world.Lose(agent, rules.resource, rules.upkeep);
      world.Count(agent, rules.paid, rules.upkeep);
    }
    if (held > rules.upkeep) continue;
    world.agents.shield[i] = 0;
    world.agents.changed[i] |= kLooksChanged;
  }
}

}  // namespace mettagrid
