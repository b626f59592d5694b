#include "mettagrid/actions/resolve.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "mettagrid/actions/attack.h"
#include "mettagrid/actions/move.h"
#include "mettagrid/core/rng.h"

namespace mettagrid {
namespace {

void Record(const World& world, AgentId agent, ActionKind kind, bool success) {
  const StatSlots& slots = world.program->stats;
  const auto family = static_cast<std::size_t>(kind);
  world.Count(agent, success ? slots.Succeeded(family) : slots.Failed(family));
  world.agents.success[agent.index()] = success ? 1 : 0;
  if (!success) world.agents.changed[agent.index()] |= kPenalised;
}

// A frozen agent fails at everything but noop; it is not penalised for it.
void RecordFrozen(const World& world, AgentId agent, ActionKind kind) {
  const StatSlots& slots = world.program->stats;
  const auto family = static_cast<std::size_t>(kind);
  const bool success = kind == ActionKind::kNoop;
  world.Count(agent, slots.frozen_ticks());
  world.Count(agent, success ? slots.Succeeded(family) : slots.Failed(family));
  world.agents.success[agent.index()] = success ? 1 : 0;
}

// Returns the table entry, or null for an index outside the table.
const Action* Lookup(const GameProgram& program, std::int32_t index) {
  return static_cast<std::size_t>(index) < program.actions.size() ? &program.actions[static_cast<std::size_t>(index)]
                                                                  : nullptr;
}

void CountInvalid(const World& world, AgentId agent) {
  world.Count(agent, world.program->stats.invalid_index());
  if (world.agents.frozen[agent.index()] > 0) {
    world.Count(agent, world.program->stats.frozen_ticks());
  } else {
    world.agents.changed[agent.index()] |= kPenalised;
  }
}

void Act(const World& world, AgentId agent, const Action& action) {
  if (world.agents.frozen[agent.index()] > 0) {
    RecordFrozen(world, agent, action.kind);
    return;
  }
  Outcome outcome = Outcome::kDone;
  if (action.kind == ActionKind::kAttack) {
    outcome = Attack(world, agent, action.argument);
  } else if (action.kind == ActionKind::kMove) {
    outcome = Move(world, agent, static_cast<Orientation>(action.argument));
  }
  Record(world, agent, action.kind, outcome == Outcome::kDone);
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
    world.agents.last_action[i] = exists ? static_cast<std::uint8_t>(actions[i]) : std::uint8_t{0};
  }
  for (const std::uint16_t number : order) {
    const Action* action = Lookup(program, actions[number]);
    if (action != nullptr && action->kind == ActionKind::kAttack) Act(world, AgentId(number), *action);
  }
  for (const std::uint16_t number : order) {
    const Action* action = Lookup(program, actions[number]);
    if (action == nullptr) {
      CountInvalid(world, AgentId(number));
    } else if (action->kind != ActionKind::kAttack) {
      Act(world, AgentId(number), *action);
    }
  }
}

}  // namespace mettagrid
