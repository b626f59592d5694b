#include "mettagrid/actions/shield.h"

#include <algorithm>

namespace mettagrid {
namespace {

// Units that must be left after the action's own cost.
int NeededToRaise(const World& world, const ActionFamily& family) {
  const ShieldRules& rules = world.program->shield;
  return std::max(1, int{rules.upkeep}) + family.cost.reserved[rules.resource.index()];
}

}  // namespace

Outcome ToggleShield(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t) {
  std::uint8_t& shield = world.agents.shield[agent.index()];
  const ItemId resource = world.program->shield.resource;
  if (shield == 0 && world.Spendable(agent, resource) < NeededToRaise(world, family)) return Outcome::kCannotAfford;
  shield = shield == 0 ? 1 : 0;
  world.agents.changed[agent.index()] |= kLooksChanged;
  return Outcome::kDone;
}

void MaskShield(const World& world, AgentId agent, const ActionFamily& family, bool* allowed) {
  const Amount held = world.Inventory(agent)[world.program->shield.resource.index()];
  *allowed = world.agents.shield[agent.index()] != 0 || held >= NeededToRaise(world, family);
}

}  // namespace mettagrid
