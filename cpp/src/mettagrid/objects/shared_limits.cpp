#include "mettagrid/objects/shared_limits.h"

#include <algorithm>

namespace mettagrid {
namespace {

std::uint64_t Held(const Amount* inventory, const SharedLimit& shared) {
  std::uint64_t held = 0;
  for (const ItemId item : shared.items) held += inventory[item.index()];
  return held;
}

// Units that count towards `shared`: those of `agent`, or of all agents of its group.
std::uint64_t Used(const World& world, const Amount* inventories, AgentId agent, const SharedLimit& shared) {
  const std::size_t resources = world.program->num_resources();
  if (!shared.of_team) return Held(inventories + agent.index() * resources, shared);
  std::uint64_t used = 0;
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    if (world.agents.group[i] == world.agents.group[agent.index()]) used += Held(inventories + i * resources, shared);
  }
  return used;
}

bool Covers(const SharedLimit& shared, ItemId item) {
  return std::find(shared.items.begin(), shared.items.end(), item) != shared.items.end();
}

}  // namespace

int World::SharedRoom(AgentId agent, ItemId item, AgentId giver, int room, bool in_step) const {
  const bool stays_in_team = giver != kNobody && agents.group[giver.index()] == agents.group[agent.index()];
  for (const SharedLimit& shared : RulesOf(agent).shared_limits) {
    if (!Covers(shared, item) || (shared.of_team && stays_in_team)) continue;
    std::uint64_t used = Used(*this, agents.inventory, agent, shared);
    if (in_step) used = std::max(used, Used(*this, agents.inventory_before, agent, shared));
    const std::uint64_t left = shared.limit > used ? shared.limit - used : 0;
    room = static_cast<int>(std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max(room, 0)), left));
  }
  return room;
}

bool SharedLimitsHold(const World& world) {
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    for (const SharedLimit& shared : world.RulesOf(AgentId(i)).shared_limits) {
      if (Used(world, world.agents.inventory, AgentId(i), shared) > shared.limit) return false;
    }
  }
  return true;
}

}  // namespace mettagrid
