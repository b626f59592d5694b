#include "mettagrid/actions/swap.h"

#include "mettagrid/actions/facing.h"

namespace mettagrid {
namespace {

bool IsSwappableStatic(const GameProgram& program, CellCode code) {
  return program.IsStatic(code) && program.StaticOf(code).swappable;
}

// Whether something that is no agent may lie on the cell: nothing but agents enters a door.
bool TakesStatics(const World& world, CellIndex cell) {
  return !world.program->has_floor || world.floor[cell] == kEmpty;
}

}  // namespace

Outcome Swap(const World& world, AgentId agent, const ActionFamily&, std::uint8_t) {
  const GameProgram& program = *world.program;
  const std::size_t i = agent.index();
  const CellIndex from = world.agents.cell[i];
  const CellIndex to = CellAhead(world, agent);
  const CellCode code = world.cells[to];
  if (code != world.agents.ahead[i]) return Outcome::kNoTarget;
  if (IsSwappableStatic(program, code)) {
    if (!TakesStatics(world, from)) return Outcome::kBlocked;
    world.Count(agent, program.swap.first_swapped + std::size_t{code});
  } else if (program.IsAgent(code) && world.agents.ahead_frozen[i] != 0) {
    world.agents.cell[program.AgentOf(code).index()] = from;
    world.Count(agent, program.swap.first_swapped);
  } else {
    return Outcome::kNoTarget;
  }
  world.Occupy(from, code);
  world.Occupy(to, program.CodeOf(agent));
  world.agents.cell[i] = to;
  return Outcome::kDone;
}

void MaskSwap(const World& world, AgentId agent, const ActionFamily&, bool* allowed) {
  const GameProgram& program = *world.program;
  const CellCode code = CodeAhead(world, agent);
  *allowed = (IsSwappableStatic(program, code) && TakesStatics(world, world.agents.cell[agent.index()])) ||
             (program.IsAgent(code) && world.agents.frozen[program.AgentOf(code).index()] > 0);
}

}  // namespace mettagrid
