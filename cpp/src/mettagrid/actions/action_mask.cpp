#include "mettagrid/actions/action_mask.h"

#include <algorithm>

#include "mettagrid/actions/cost.h"
#include "mettagrid/actions/registry.h"

namespace mettagrid {

void WriteActionMask(const World& world, AgentId agent, std::span<bool> mask) {
  const GameProgram& program = *world.program;
  const bool may_act = world.agents.frozen[agent.index()] == 0 && world.IsHere(agent);
  bool* next = mask.data();
  for (const ActionFamily& family : program.families) {
    if (family.kind == ActionKind::kNoop) {
      *next = true;
    } else if (may_act && CanAfford(world, agent, family.cost)) {
      RulesOf(family.kind).mask(world, agent, family, next);
    } else {
      std::fill_n(next, family.count, false);
    }
    next += family.count;
  }
}

}  // namespace mettagrid
