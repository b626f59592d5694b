#include "mettagrid/actions/place_block.h"

#include "mettagrid/actions/facing.h"

namespace mettagrid {

Outcome PlaceBlock(const World& world, AgentId agent, const ActionFamily&, std::uint8_t) {
  const CellIndex ahead = CellAhead(world, agent);
  if (world.cells[ahead] != kEmpty || world.agents.ahead[agent.index()] != kEmpty) return Outcome::kBlocked;
  world.Occupy(ahead, world.program->blocks.placed);
  return Outcome::kDone;
}

void MaskPlaceBlock(const World& world, AgentId agent, const ActionFamily&, bool* allowed) {
  *allowed = CodeAhead(world, agent) == kEmpty;
}

}  // namespace mettagrid
