#include "mettagrid/systems/resource_loss.h"

#include "mettagrid/systems/fractions.h"

namespace mettagrid {

void LoseResources(const World& world) {
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    const AgentId agent(i);
    if (!world.IsHere(agent)) continue;
    RandomStream random = StreamOf(world, Purpose::kResourceLoss, agent);
    for (const ItemRate& share : world.program->systems.resource_loss.shares) {
      const std::uint64_t held = world.Inventory(agent)[share.item.index()];
      const auto lost = static_cast<Amount>(DrawWhole(share.rate * held, random));
      if (lost > 0) world.Lose(agent, share.item, lost);
    }
  }
}

}  // namespace mettagrid
