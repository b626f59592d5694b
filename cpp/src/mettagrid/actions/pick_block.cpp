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
  world.Vacate(ahead);
  for (const ItemAmount& returned : rules.returned) {
    const Amount gained = std::min(returned.amount, world.Room(agent, returned.item));
    if (gained > 0) world.Gain(agent, returned.item, gained);
  }
  return Outcome::kDone;
}

void MaskPickBlock(const World& world, AgentId agent, const ActionFamily&, bool* allowed) {
  *allowed = CodeAhead(world, agent) == world.program->blocks.picked;
}

}  // namespace mettagrid
