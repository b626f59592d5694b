#include "mettagrid/actions/resolve.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "mettagrid/actions/cost.h"
#include "mettagrid/actions/facing.h"
#include "mettagrid/actions/registry.h"
#include "mettagrid/core/rng.h"

namespace mettagrid {
namespace {

bool HasPhase(const GameProgram& program, Phase phase) {
  return std::any_of(program.families.begin(), program.families.end(),
                     [phase](const ActionFamily& family) { return RulesOf(family.kind).phase == phase; });
}

// Things may come and go ahead of an agent before its turn. What asks for a target goes by what was there at first.
void RememberAhead(const World& world) {
  const GameProgram& program = *world.program;
  for (std::size_t i = 0; i < program.num_agents; ++i) {
    if (!world.IsHere(AgentId(i))) continue;
    const CellCode code = CodeAhead(world, AgentId(i));
    world.agents.ahead[i] = code;
    world.agents.ahead_frozen[i] =
        program.IsAgent(code) && world.agents.frozen[program.AgentOf(code).index()] > 0 ? 1 : 0;
  }
}

void Record(const World& world, AgentId agent, const ActionFamily& family, bool success) {
  world.Count(agent, success ? family.succeeded : family.failed);
  world.agents.success[agent.index()] = success ? 1 : 0;
}

// Returns the table entry, or null for an index outside the table.
const Action* Lookup(const GameProgram& program, std::int32_t index) {
  return static_cast<std::size_t>(index) < program.actions.size() ? &program.actions[static_cast<std::size_t>(index)]
                                                                  : nullptr;
}

void CountInvalid(const World& world, AgentId agent) {
  if (!world.IsHere(agent)) return;
  world.Count(agent, world.program->stats.invalid_index());
  if (world.agents.frozen[agent.index()] > 0) {
    world.Count(agent, world.program->stats.frozen_ticks());
  } else {
    world.agents.changed[agent.index()] |= kPenalised;
  }
}

void Act(const World& world, AgentId agent, const Action& action, const ActionRules& rules) {
  const ActionFamily& family = world.program->families[action.family];
  if (!world.IsHere(agent)) return;
  if (world.agents.frozen[agent.index()] > 0) {  // fails at everything but noop, and is not penalised for it
    world.Count(agent, world.program->stats.frozen_ticks());
    Record(world, agent, family, action.kind == ActionKind::kNoop);
    return;
  }
  if (rules.prepare != nullptr) rules.prepare(world, agent, action.argument);
  Outcome outcome = Outcome::kCannotAfford;
  if (CanPay(world, agent, family.cost)) outcome = rules.act(world, agent, family, action.argument);
  if (outcome == Outcome::kDone) {
    PayCost(world, agent, family.cost);
  } else {
    world.agents.changed[agent.index()] |= kPenalised;
  }
  Record(world, agent, family, outcome == Outcome::kDone);
}

}  // namespace

void ResolveActions(const World& world, std::span<const std::int32_t> actions) {
  const GameProgram& program = *world.program;
  const WorldHeader& header = world.header();
  std::array<std::uint16_t, kMaxAgents> storage;
  const std::span order(storage.data(), program.num_agents);
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  RandomStream random(header.seed, header.env, header.episode, header.step, Purpose::kActionOrder);
  random.ShuffleFirst(order, order.size());

  std::copy_n(world.agents.inventory, program.num_agents * program.num_resources(), world.agents.inventory_before);
  for (std::size_t i = 0; i < program.num_agents; ++i) {
    const bool exists = Lookup(program, actions[i]) != nullptr;
    world.agents.success[i] = 0;
    if (!world.IsHere(AgentId(i))) continue;  // what it is sent while away is ignored
    world.agents.last_action[i] = exists ? static_cast<std::uint8_t>(actions[i]) : std::uint8_t{0};
  }
  if (program.remembers_ahead) RememberAhead(world);
  for (const Phase phase : {Phase::kAttacks, Phase::kMain, Phase::kOpenings}) {
    if (phase != Phase::kMain && !HasPhase(program, phase)) continue;
    for (const std::uint16_t number : order) {
      const Action* action = Lookup(program, actions[number]);
      if (action == nullptr) {
        if (phase == Phase::kMain) CountInvalid(world, AgentId(number));
      } else if (const ActionRules& rules = RulesOf(action->kind); rules.phase == phase) {
        Act(world, AgentId(number), *action, rules);
      }
    }
  }
}

}  // namespace mettagrid
