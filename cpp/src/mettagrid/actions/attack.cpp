#include "mettagrid/actions/attack.h"

#include <algorithm>

namespace mettagrid {
namespace {

void Loot(const World& world, AgentId attacker, AgentId target) {
  const GameProgram& program = *world.program;
  const auto held = world.Inventory(target);
  for (std::size_t i = 0; i < held.size(); ++i) {
    if (held[i] == 0 || program.soul_bound[i]) continue;
    const ItemId item(i);
    const Amount taken = std::min(held[i], world.Room(attacker, item));
    if (taken == 0) continue;
    world.Lose(target, item, taken);
    world.Gain(attacker, item, taken);
    world.Count(attacker, program.stats.Stolen(i), taken);
  }
}

}  // namespace

Outcome Attack(const World& world, AgentId attacker, std::uint8_t cell) {
  const GameProgram& program = *world.program;
  if (!world.Holds(attacker, program.attack_cost.needed)) return Outcome::kCannotAfford;
  const auto facing = static_cast<std::size_t>(world.agents.orientation[attacker.index()]);
  const auto aim = static_cast<CellIndex>(static_cast<std::int32_t>(world.agents.cell[attacker.index()]) +
                                          program.attack_offsets[facing][cell]);
  const CellCode code = world.cells[aim];
  if (!program.IsAgent(code)) return Outcome::kNoTarget;
  const AgentId target = program.AgentOf(code);
  if (!program.defense.empty() && world.Holds(target, program.defense)) {
    world.Pay(target, program.defense);
    world.Count(attacker, program.stats.attack_blocked());
  } else {
    std::uint16_t& frozen = world.agents.frozen[target.index()];
    const bool was_frozen = frozen > 0;
    frozen = program.freeze_duration;
    world.agents.changed[target.index()] |= kLooksChanged;
    world.Count(attacker, program.stats.attack_hit());
    if (!was_frozen) Loot(world, attacker, target);
  }
  world.Pay(attacker, program.attack_cost.consumed);
  return Outcome::kDone;
}

}  // namespace mettagrid
