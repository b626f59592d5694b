#include "mettagrid/actions/move.h"

#include "mettagrid/objects/object_kinds.h"

namespace mettagrid {
namespace {

CellIndex CellAhead(const World& world, AgentId agent, std::size_t direction) {
  return static_cast<CellIndex>(static_cast<std::int32_t>(world.agents.cell[agent.index()]) +
                                world.program->move.offsets[direction]);
}

bool CanMove(const World& world, AgentId agent, const ActionFamily& family, std::size_t direction) {
  const GameProgram& program = *world.program;
  const CellCode code = world.cells[CellAhead(world, agent, direction)];
  if (code == kEmpty) return true;
  if (program.IsAgent(code)) return world.agents.frozen[program.AgentOf(code).index()] == 0;  // it may leave
  if (!program.IsObject(code)) return false;
  const ObjectId object = program.ObjectOf(code);
  return KindOf(world, object).can_use(world, agent, object, family.cost.reserved);
}

}  // namespace

void FaceMove(const World& world, AgentId agent, std::uint8_t direction) {
  const auto orientation = static_cast<Orientation>(direction);
  if (world.agents.orientation[agent.index()] == orientation) return;
  world.agents.orientation[agent.index()] = orientation;
  world.agents.changed[agent.index()] |= kLooksChanged;
}

Outcome Move(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t direction) {
  const GameProgram& program = *world.program;
  const CellIndex from = world.agents.cell[agent.index()];
  const CellIndex to = CellAhead(world, agent, direction);
  const CellCode code = world.cells[to];
  if (code == kEmpty) {
    world.Vacate(from);
    world.Occupy(to, program.CodeOf(agent));
    world.agents.cell[agent.index()] = to;
    return Outcome::kDone;
  }
  if (!program.IsObject(code)) return Outcome::kBlocked;
  const ObjectId object = program.ObjectOf(code);
  return KindOf(world, object).use(world, agent, object, family.cost.reserved);
}

void MaskMove(const World& world, AgentId agent, const ActionFamily& family, bool* allowed) {
  for (std::size_t i = 0; i < family.count; ++i) allowed[i] = CanMove(world, agent, family, i);
}

}  // namespace mettagrid
