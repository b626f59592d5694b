#include "mettagrid/actions/share.h"

#include <algorithm>

#include "mettagrid/actions/facing.h"
#include "mettagrid/actions/give.h"

namespace mettagrid {
namespace {

// Of `held` units, half: the smaller one, and never what the action itself costs.
int Half(int held, Amount reserved) { return std::min(held / 2, held - reserved); }

}  // namespace

Outcome Share(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t) {
  const GameProgram& program = *world.program;
  const CellCode code = CodeAhead(world, agent);
  if (!program.IsAgent(code) || code != world.agents.ahead[agent.index()]) return Outcome::kNoTarget;
  const AgentId other = program.AgentOf(code);
  bool moved = false;
  for (const ItemId item : program.share.items) {
    const int half = Half(world.Spendable(agent, item), family.cost.reserved[item.index()]);
    const int given = std::min(half, int{world.Room(other, item, agent)});
    if (given <= 0) continue;
    Give(world, agent, other, {item, static_cast<Amount>(given)}, program.share.first_given);
    moved = true;
  }
  return moved ? Outcome::kDone : Outcome::kNothingMoved;
}

void MaskShare(const World& world, AgentId agent, const ActionFamily& family, bool* allowed) {
  const GameProgram& program = *world.program;
  const CellCode code = CodeAhead(world, agent);
  *allowed = false;
  if (!program.IsAgent(code)) return;
  const auto held = world.Inventory(agent);
  for (const ItemId item : program.share.items) {
    const int half = Half(held[item.index()], family.cost.reserved[item.index()]);
    if (half > 0 && world.RoomNow(program.AgentOf(code), item, agent) > 0) *allowed = true;
  }
}

}  // namespace mettagrid
