#include "mettagrid/systems/health.h"

#include <algorithm>

#include "mettagrid/systems/presence.h"

namespace mettagrid {
namespace {

void Die(const World& world, AgentId agent, const HealthRules& rules) {
  world.Count(agent, rules.deaths);
  if (rules.on_death == OnDeath::kLose) {
    const std::vector<bool>& soul_bound = world.RulesOf(agent).soul_bound;
    const auto held = world.Inventory(agent);
    for (std::size_t item = 0; item < held.size(); ++item) {
      if (held[item] > 0 && !soul_bound[item]) world.Lose(agent, ItemId(item), held[item]);
    }
  }
  Withdraw(world, agent, rules.respawn_ticks > 0 ? Presence::kDown : Presence::kGone);
}

void Respawn(const World& world, AgentId agent, const HealthRules& rules) {
  if (!PutBack(world, agent, rules.respawns_at_start)) return;  // the map is full: tried again in the next step
  for (const ItemAmount& entry : world.RulesOf(agent).initial_inventory) {
    if (!rules.restocks && entry.item != rules.hp) continue;
    const int missing = entry.amount - world.Inventory(agent)[entry.item.index()];
    const int gained = std::min<int>(missing, world.RoomNow(agent, entry.item));
    if (gained > 0) world.Gain(agent, entry.item, static_cast<Amount>(gained));
  }
}

}  // namespace

void RunHealth(const World& world) {
  const HealthRules& rules = world.program->systems.health;
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    const AgentId agent(i);
    if (world.IsHere(agent) && world.Inventory(agent)[rules.hp.index()] == 0) Die(world, agent, rules);
  }
  if (rules.respawn_ticks == 0) return;
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    const bool is_down = world.agents.presence[i] == Presence::kDown;
    if (is_down && world.header().step - world.agents.since[i] >= rules.respawn_ticks) {
      Respawn(world, AgentId(i), rules);
    }
  }
}

}  // namespace mettagrid
