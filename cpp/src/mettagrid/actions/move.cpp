#include "mettagrid/actions/move.h"

#include <array>

#include "mettagrid/actions/facing.h"
#include "mettagrid/objects/object_use.h"

namespace mettagrid {
namespace {

std::array<std::size_t, 2> SlidesOf(std::size_t diagonal) {
  return {kClockwise[diagonal - kNumCardinals], kCounterClockwise[diagonal - kNumCardinals]};
}

void Step(const World& world, AgentId agent, CellIndex to) {
  CellIndex& cell = world.agents.cell[agent.index()];
  world.Vacate(cell);
  world.Occupy(to, world.program->CodeOf(agent));
  cell = to;
}

// Whether an agent may enter the cell now.
bool IsFree(const World& world, CellCode code) {
  if (code == kEmpty) return true;
  const GameProgram& program = *world.program;
  if (!program.has_floor || !program.IsObject(code)) return false;
  const ObjectKind& kind = KindOf(world, program.ObjectOf(code));
  return kind.lets_pass != nullptr && kind.lets_pass(world, program.ObjectOf(code));
}

// Whether the cell will be free in the next step, or its agent may leave it.
bool MayBeEntered(const World& world, CellCode code) {
  if (code == kEmpty) return true;
  const GameProgram& program = *world.program;
  if (program.IsAgent(code)) return world.agents.frozen[program.AgentOf(code).index()] == 0;
  if (!program.has_floor || !program.IsObject(code)) return false;
  const ObjectKind& kind = KindOf(world, program.ObjectOf(code));
  return kind.will_let_pass != nullptr && kind.will_let_pass(world, program.ObjectOf(code));
}

bool CanMove(const World& world, AgentId agent, const ActionFamily& family, std::size_t direction) {
  const GameProgram& program = *world.program;
  const CellCode code = world.cells[CellTowards(world, agent, direction)];
  if (MayBeEntered(world, code)) return true;
  if (program.IsObject(code) && program.move.uses_objects) {
    const ObjectId object = program.ObjectOf(code);
    if (CanUseObject(world, agent, object, &ObjectKind::can_use, family.cost.reserved)) return true;
  }
  if (direction < kNumCardinals) return false;
  for (const std::size_t slide : SlidesOf(direction)) {
    if (MayBeEntered(world, world.cells[CellTowards(world, agent, slide)])) return true;
  }
  return false;
}

}  // namespace

void FaceMove(const World& world, AgentId agent, std::uint8_t direction) { Face(world, agent, direction); }

Outcome Move(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t direction) {
  const GameProgram& program = *world.program;
  const CellIndex to = CellTowards(world, agent, direction);
  const CellCode code = world.cells[to];
  if (IsFree(world, code)) {
    Step(world, agent, to);
    return Outcome::kDone;
  }
  Outcome outcome = Outcome::kBlocked;
  if (program.IsObject(code) && program.move.uses_objects) {
    const ObjectId object = program.ObjectOf(code);
    outcome = UseObject(world, agent, object, &ObjectKind::use, family.cost.reserved);
  }
  if (direction < kNumCardinals || outcome == Outcome::kDone) return outcome;
  for (const std::size_t slide : SlidesOf(direction)) {
    const CellIndex beside = CellTowards(world, agent, slide);
    if (!IsFree(world, world.cells[beside])) continue;
    Step(world, agent, beside);
    return Outcome::kDone;
  }
  return outcome;
}

void MaskMove(const World& world, AgentId agent, const ActionFamily& family, bool* allowed) {
  for (std::size_t i = 0; i < family.count; ++i) allowed[i] = CanMove(world, agent, family, i);
}

}  // namespace mettagrid
