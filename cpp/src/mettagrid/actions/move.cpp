#include "mettagrid/actions/move.h"

#include <algorithm>

namespace mettagrid {

Outcome Use(const World& world, AgentId agent, ConverterId converter) {
  const GameProgram& program = *world.program;
  const ConverterType& type = program.TypeOf(converter);
  const auto stock = world.Inventory(converter);
  const auto held = world.Inventory(agent);
  int moved = 0;
  for (const ItemAmount& input : type.inputs) {
    const std::size_t item = input.item.index();
    // What the move itself costs is kept back: it is paid afterwards.
    const int spare = held[item] - program.move_reserved[item];
    const int put = std::min(input.amount - stock[item], spare);
    if (put <= 0) continue;
    world.Lose(agent, input.item, static_cast<Amount>(put));
    stock[item] = static_cast<Amount>(stock[item] + put);
    moved += put;
  }
  for (const ItemAmount& output : type.outputs) {
    const std::size_t item = output.item.index();
    const Amount taken = std::min(stock[item], world.Room(agent, output.item));
    if (taken == 0) continue;
    world.Gain(agent, output.item, taken);
    stock[item] = static_cast<Amount>(stock[item] - taken);
    moved += taken;
  }
  if (moved == 0) return Outcome::kNothingMoved;
  world.Touch(converter);
  return Outcome::kDone;
}

Outcome Move(const World& world, AgentId agent, Orientation direction) {
  const GameProgram& program = *world.program;
  const std::size_t index = agent.index();
  if (world.agents.orientation[index] != direction) {
    world.agents.orientation[index] = direction;
    world.agents.changed[index] |= kLooksChanged;
  }
  if (!world.Holds(agent, program.move_cost.needed)) return Outcome::kCannotAfford;
  const CellIndex from = world.agents.cell[index];
  const auto to = static_cast<CellIndex>(static_cast<std::int32_t>(from) +
                                         program.move_offsets[static_cast<std::size_t>(direction)]);
  const CellCode code = world.cells[to];
  if (code == kEmpty) {
    world.Vacate(from);
    world.Occupy(to, program.CodeOf(agent));
    world.agents.cell[index] = to;
  } else if (program.IsConverter(code)) {
    if (const Outcome used = Use(world, agent, program.ConverterOf(code)); used != Outcome::kDone) return used;
  } else {
    return Outcome::kBlocked;
  }
  world.Pay(agent, program.move_cost.consumed);
  return Outcome::kDone;
}

}  // namespace mettagrid
