#include "mettagrid/actions/pick_block.h"

#include <algorithm>

#include "mettagrid/actions/facing.h"

namespace mettagrid {

Outcome PickBlock(const World& world, AgentId agent, const ActionFamily&, std::uint8_t) {
  const BlockRules& rules = world.program->blocks;
  const CellIndex ahead = CellAhead(world, agent);
  if (world.cells[ahead] != rules.picked || world.agents.ahead[agent.index()] != rules.picked) {
    return Outcome::kNoTarget;
  }
  for (const ItemAmount& returned : rules.returned) {
    if (world.Room(agent, returned.item) < returned.amount) return Outcome::kNothingMoved;
  }
  world.Vacate(ahead);
  for (const ItemAmount& returned : rules.returned) world.Gain(agent, returned.item, returned.amount);
  return Outcome::kDone;
}

void MaskPickBlock(const World& world, AgentId agent, const ActionFamily&, bool* allowed) {
  const BlockRules& rules = world.program->blocks;
  *allowed = CodeAhead(world, agent) == rules.picked &&
             std::all_of(rules.returned.begin(), rules.returned.end(), [&](const ItemAmount& returned) {
               return world.RoomNext(agent, returned.item) >= returned.amount;
             });
}

}  // namespace mettagrid
