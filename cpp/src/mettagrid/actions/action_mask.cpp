#include "mettagrid/actions/action_mask.h"

#include <algorithm>

#include "mettagrid/objects/converter.h"

namespace mettagrid {
namespace {

// Whether Use() would move a unit, were it the first action of the next step. Later in that step it can only get worse:
// conversions start before the actions, so needs and offers shrink.
bool CanUse(const World& world, AgentId agent, ConverterId converter) {
  const GameProgram& program = *world.program;
  const ConverterType& type = program.TypeOf(converter);
  const auto held = world.Inventory(agent);
  ConverterChange change;
  if (world.IsAwake(converter)) change = NextChange(world, converter, world.header().step + 1);
  for (const ItemAmount& input : type.inputs) {
    const std::size_t item = input.item.index();
    const int lack = input.amount - HeldAfter(world, converter, change, input.item);
    if (lack > 0 && held[item] > program.move_reserved[item]) return true;
  }
  for (const ItemAmount& output : type.outputs) {
    const bool has_room = held[output.item.index()] < program.resource_limits[output.item.index()];
    if (has_room && HeldAfter(world, converter, change, output.item) > 0) return true;
  }
  return false;
}

bool CanMove(const World& world, AgentId agent, std::uint8_t direction) {
  const GameProgram& program = *world.program;
  const auto ahead = static_cast<CellIndex>(static_cast<std::int32_t>(world.agents.cell[agent.index()]) +
                                            program.move_offsets[direction]);
  const CellCode code = world.cells[ahead];
  if (code == kEmpty) return true;
  if (program.IsAgent(code)) return world.agents.frozen[program.AgentOf(code).index()] == 0;  // it may leave
  return program.IsConverter(code) && CanUse(world, agent, program.ConverterOf(code));
}

bool HasTarget(const World& world, AgentId agent, std::uint8_t cell) {
  const GameProgram& program = *world.program;
  const auto facing = static_cast<std::size_t>(world.agents.orientation[agent.index()]);
  const auto aim = static_cast<CellIndex>(static_cast<std::int32_t>(world.agents.cell[agent.index()]) +
                                          program.attack_offsets[facing][cell]);
  return program.IsAgent(world.cells[aim]);
}

}  // namespace

void WriteActionMask(const World& world, AgentId agent, std::span<bool> mask) {
  const GameProgram& program = *world.program;
  const bool frozen = world.agents.frozen[agent.index()] > 0;
  const bool may_move = !frozen && world.Holds(agent, program.move_cost.needed);
  const bool may_attack = !frozen && world.Holds(agent, program.attack_cost.needed);
  bool* next = mask.data();
  *next++ = true;  // noop
  if (program.has_moves) {
    for (std::uint8_t direction = 0; direction < kNumOrientations; ++direction) {
      *next++ = may_move && CanMove(world, agent, direction);
    }
  }
  if (program.has_attacks) {
    for (std::uint8_t cell = 0; cell < kNumAttackCells; ++cell)
      next[cell] = may_attack && HasTarget(world, agent, cell);
  }
}

}  // namespace mettagrid
