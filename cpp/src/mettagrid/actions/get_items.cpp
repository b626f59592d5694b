#include "mettagrid/actions/get_items.h"

#include "mettagrid/actions/facing.h"
#include "mettagrid/actions/held_before.h"
#include "mettagrid/objects/object_kinds.h"

namespace mettagrid {

Outcome GetItems(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t) {
  const GameProgram& program = *world.program;
  const CellCode code = CodeAhead(world, agent);
  if (!program.IsObject(code)) return Outcome::kNoTarget;
  const ObjectId object = program.ObjectOf(code);
  const ObjectKind& kind = KindOf(world, object);
  if (kind.get == nullptr) return Outcome::kNoTarget;
  const HeldBefore before(world, agent);
  const Outcome outcome = kind.get(world, agent, object, family.cost.reserved);
  if (outcome == Outcome::kDone) before.CountGained(program.handling.first_got);
  return outcome;
}

void MaskGetItems(const World& world, AgentId agent, const ActionFamily& family, bool* allowed) {
  const GameProgram& program = *world.program;
  const CellCode code = CodeAhead(world, agent);
  *allowed = false;
  if (!program.IsObject(code)) return;
  const ObjectId object = program.ObjectOf(code);
  const ObjectKind& kind = KindOf(world, object);
  *allowed = kind.can_get != nullptr && kind.can_get(world, agent, object, family.cost.reserved);
}

}  // namespace mettagrid
