#include "mettagrid/systems/regeneration.h"

#include <algorithm>

namespace mettagrid {

void RegenerateResources(const World& world) {
  const RegenerationRules& rules = world.program->systems.regeneration;
  if (world.header().step % rules.interval != 0) return;
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    const AgentId agent(i);
    if (!world.IsHere(agent)) continue;
    for (const ItemAmount& entry : rules.amounts) {
      const Amount gained = std::min(entry.amount, world.RoomNow(agent, entry.item));
      if (gained > 0) world.Gain(agent, entry.item, gained);
    }
  }
}

}  // namespace mettagrid
