#include "mettagrid/actions/get_items.h"

#include "mettagrid/actions/facing.h"
#include "mettagrid/actions/held_before.h"
#include "mettagrid/objects/object_use.h"

namespace mettagrid {

Outcome GetItems(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t) {
  const GameProgram& program = *world.program;
  const CellCode code = CodeAhead(world, agent);
  if (!program.IsObject(code)) return Outcome::kNoTarget;
  const ObjectId object = program.ObjectOf(code);
  const HeldBefore before(world, agent);
  const Outcome outcome = UseObject(world, agent, object, &ObjectKind::get, family.cost.reserved);
  if (outcome == Outcome::kDone) before.CountGained(program.handling.first_got);
  return outcome;
}

void MaskGetItems(const World& world, AgentId agent, const ActionFamily& family, bool* allowed) {
  const GameProgram& program = *world.program;
  const CellCode code = CodeAhead(world, agent);
  *allowed = false;
  if (!program.IsObject(code)) return;
  const ObjectId object = program.ObjectOf(code);
  *allowed = CanUseObject(world, agent, object, &ObjectKind::can_get, family.cost.reserved);
}

}  // namespace mettagrid
