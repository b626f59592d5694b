#include "mettagrid/systems/health.h"

#include <algorithm>
#include <optional>

#include "mettagrid/objects/pile.h"
#include "mettagrid/systems/presence.h"

namespace mettagrid {
namespace {

// What others can take: all that is not soul-bound.
std::uint32_t Droppable(const World& world, AgentId agent) {
  const std::vector<bool>& soul_bound = world.RulesOf(agent).soul_bound;
  const auto held = world.Inventory(agent);
  std::uint32_t units = 0;
  for (std::size_t item = 0; item < held.size(); ++item) units += soul_bound[item] ? 0U : held[item];
  return units;
}

// `pile`: where it goes; none: nowhere.
void LoseAll(const World& world, AgentId agent, std::optional<ObjectId> pile) {
  const std::vector<bool>& soul_bound = world.RulesOf(agent).soul_bound;
  const auto held = world.Inventory(agent);
  for (std::size_t item = 0; item < held.size(); ++item) {
    if (held[item] == 0 || soul_bound[item]) continue;
    if (pile) world.Inventory(*pile)[item] = held[item];
    world.Lose(agent, ItemId(item), held[item]);
  }
}

// After the agent has left the grid, so that its own cell is free.
void Drop(const World& world, AgentId agent, CellIndex cell, const HealthRules& rules) {
  const std::uint32_t units = Droppable(world, agent);
  if (units == 0) return;
  const ObjectType& type = world.program->object_types[rules.pile];
  const auto pile = LayPile(world, type, cell);
  const PileRules& counted = *std::get_if<PileRules>(&type.rules);
  world.Count(agent, pile ? counted.dropped : counted.lost, units);
  LoseAll(world, agent, pile);
}

void Die(const World& world, AgentId agent, const HealthRules& rules) {
  world.Count(agent, rules.deaths);
  const CellIndex cell = world.agents.cell[agent.index()];
  Withdraw(world, agent, rules.respawn_ticks > 0 ? Presence::kDown : Presence::kGone);
  if (rules.on_death == OnDeath::kLose) LoseAll(world, agent, std::nullopt);
  if (rules.on_death == OnDeath::kDrop) Drop(world, agent, cell, rules);
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
  if (rules.on_death == OnDeath::kDrop) ClearPiles(world, world.program->object_types[rules.pile]);
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
