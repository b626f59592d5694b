#include "mettagrid/systems/population.h"

#include <algorithm>

#include "mettagrid/systems/fractions.h"
#include "mettagrid/systems/presence.h"

namespace mettagrid {
namespace {

bool TakesPart(const World& world, std::size_t agent) {
  return world.agents.presence[agent] == Presence::kHere || world.agents.presence[agent] == Presence::kDown;
}

void LeaveByRule(const World& world, const PopulationRules& rules) {
  const std::uint32_t now = world.header().step;
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    if (!TakesPart(world, i)) continue;
    const bool stayed = rules.stay > 0 && now - world.agents.entered[i] >= rules.stay;
    const bool arrived = !rules.goal.empty() && world.IsHere(AgentId(i)) && world.Holds(AgentId(i), rules.goal);
    if (stayed || arrived) Withdraw(world, AgentId(i), Presence::kGone);
  }
}

// Of those that take part, the one that entered first; of equals the one of lowest index.
void LeaveBySchedule(const World& world) {
  std::size_t oldest = world.program->num_agents;
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    if (!TakesPart(world, i)) continue;
    if (oldest == world.program->num_agents || world.agents.entered[i] < world.agents.entered[oldest]) oldest = i;
  }
  if (oldest < world.program->num_agents) Withdraw(world, AgentId(oldest), Presence::kGone);
}

void Enter(const World& world, AgentId agent) {
  if (!PutBack(world, agent, true)) return;  // the map is full: tried again in the next step
  world.agents.entered[agent.index()] = world.header().step;
  world.agents.changed[agent.index()] |= kEntered;
}

void LetIn(const World& world, const PopulationRules& rules) {
  const std::uint32_t now = world.header().step;
  std::size_t next = rules.initial_agents;
  for (const std::uint32_t due : rules.enter_steps) {
    if (due <= now && world.agents.presence[next] == Presence::kWaiting) Enter(world, AgentId(next));
    ++next;
  }
  if (rules.enter_rate == 0) return;
  RandomStream random = StreamOf(world, Purpose::kPopulation, AgentId(0));
  if (random.Next() >= rules.enter_rate) return;
  while (next < world.program->num_agents && world.agents.presence[next] != Presence::kWaiting) ++next;
  if (next < world.program->num_agents) Enter(world, AgentId(next));
}

}  // namespace

void StartPopulation(const World& world) {
  RememberHomes(world);
  for (std::size_t i = world.program->systems.population.initial_agents; i < world.program->num_agents; ++i) {
    Withdraw(world, AgentId(i), Presence::kWaiting);
  }
}

void RunPopulation(const World& world) {
  const PopulationRules& rules = world.program->systems.population;
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    world.agents.changed[i] = static_cast<std::uint8_t>(world.agents.changed[i] & ~kEntered);
  }
  LeaveByRule(world, rules);
  const auto [first, last] = std::equal_range(rules.leave_steps.begin(), rules.leave_steps.end(), world.header().step);
  for (auto step = first; step != last; ++step) LeaveBySchedule(world);
  LetIn(world, rules);
}

}  // namespace mettagrid
