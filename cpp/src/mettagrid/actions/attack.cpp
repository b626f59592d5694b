#include "mettagrid/actions/attack.h"

#include <algorithm>

namespace mettagrid {
namespace {

CellCode CodeAimedAt(const World& world, AgentId attacker, std::size_t cell) {
  const auto facing = static_cast<std::size_t>(world.agents.orientation[attacker.index()]);
  return world.cells[static_cast<CellIndex>(static_cast<std::int32_t>(world.agents.cell[attacker.index()]) +
                                            world.program->attack.offsets[facing][cell])];
}

void Loot(const World& world, AgentId attacker, AgentId target) {
  const std::vector<bool>& soul_bound = world.RulesOf(target).soul_bound;
  const auto held = world.Inventory(target);
  for (std::size_t i = 0; i < held.size(); ++i) {
    if (held[i] == 0 || soul_bound[i]) continue;
    const ItemId item(i);
    const Amount taken = std::min(held[i], world.Room(attacker, item, target));
    if (taken == 0) continue;
    world.Lose(target, item, taken);
    world.Gain(attacker, item, taken);
    world.Count(attacker, world.program->attack.first_stolen + i, taken);
  }
}

// The shield takes what it can; whether nothing is left for its bearer to suffer. Without its resource it goes down.
bool ShieldHolds(const World& world, AgentId target) {
  const ShieldRules& shield = world.program->shield;
  const Amount damage = world.program->attack.damage;
  const Amount held = world.Inventory(target)[shield.resource.index()];
  const Amount drained = std::min(held, damage);
  if (drained > 0) world.Lose(target, shield.resource, drained);
  world.Count(target, shield.damage, drained);
  if (drained == held) {
    world.agents.shield[target.index()] = 0;
    world.agents.changed[target.index()] |= kLooksChanged;
  }
  return drained == damage;
}

// Whoever takes the last hit point gets the kill; the agent dies at the end of the step.
void Wound(const World& world, AgentId attacker, AgentId target) {
  const HealthRules& health = world.program->systems.health;
  const Amount held = world.Inventory(target)[health.hp.index()];
  const Amount damage = std::min(held, health.damage);
  if (damage == 0) return;
  world.Lose(target, health.hp, damage);
  if (damage == held) world.Count(attacker, health.kills);
}

}  // namespace

Outcome Attack(const World& world, AgentId attacker, const ActionFamily&, std::uint8_t cell) {
  const GameProgram& program = *world.program;
  const AttackRules& rules = program.attack;
  const CellCode code = CodeAimedAt(world, attacker, cell);
  if (!program.IsAgent(code)) return Outcome::kNoTarget;
  const AgentId target = program.AgentOf(code);
  if (world.agents.shield[target.index()] != 0 && ShieldHolds(world, target)) {
    world.Count(attacker, program.shield.hit);
    return Outcome::kDone;
  }
  if (!rules.defense.empty() && world.Holds(target, rules.defense)) {
    world.Pay(target, rules.defense);
    world.Count(attacker, rules.blocked);
    return Outcome::kDone;
  }
  world.Count(attacker, rules.hit);
  if (program.systems.health.enabled) {
    Wound(world, attacker, target);
    if (!program.systems.health.freezes) return Outcome::kDone;
  }
  std::uint16_t& frozen = world.agents.frozen[target.index()];
  const bool was_frozen = frozen > 0;
  frozen = std::max(frozen, world.RulesOf(target).freeze_duration);  // to hit is never to help
  world.agents.changed[target.index()] |= kLooksChanged;
  if (!was_frozen) Loot(world, attacker, target);
  return Outcome::kDone;
}

void MaskAttack(const World& world, AgentId attacker, const ActionFamily& family, bool* allowed) {
  for (std::size_t i = 0; i < family.count; ++i) {
    allowed[i] = world.program->IsAgent(CodeAimedAt(world, attacker, i));
  }
}

}  // namespace mettagrid
