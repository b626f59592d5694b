#include "mettagrid/actions/transfer.h"

#include "mettagrid/actions/facing.h"
#include "mettagrid/actions/give.h"

namespace mettagrid {

Outcome Transfer(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t number) {
  const GameProgram& program = *world.program;
  const CellCode code = CodeAhead(world, agent);
  if (!program.IsAgent(code) || code != world.agents.ahead[agent.index()]) return Outcome::kNoTarget;
  const AgentId other = program.AgentOf(code);
  const ItemAmount gift = program.transfer.amounts[number];
  const int spare = world.Spendable(agent, gift.item) - family.cost.reserved[gift.item.index()];
  if (spare < gift.amount) return Outcome::kCannotAfford;
  if (world.Room(other, gift.item, agent) < gift.amount) return Outcome::kNothingMoved;
  Give(world, agent, other, gift, program.transfer.first_given);
  return Outcome::kDone;
}

void MaskTransfer(const World& world, AgentId agent, const ActionFamily& family, bool* allowed) {
  const GameProgram& program = *world.program;
  const CellCode code = CodeAhead(world, agent);
  const auto held = world.Inventory(agent);
  for (std::size_t i = 0; i < family.count; ++i) {
    const ItemAmount gift = program.transfer.amounts[i];
    const std::size_t item = gift.item.index();
    allowed[i] = program.IsAgent(code) && held[item] - family.cost.reserved[item] >= gift.amount &&
                 world.RoomNow(program.AgentOf(code), gift.item, agent) >= gift.amount;
  }
}

}  // namespace mettagrid
