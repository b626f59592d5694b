#include "mettagrid/systems/rewards.h"

#include <algorithm>

namespace mettagrid {

double RewardPotential(const World& world, AgentId agent) {
  const auto held = world.Inventory(agent);
  const auto stats = world.Stats(agent);
  double total = 0.0;
  for (const RewardTerm& term : world.RulesOf(agent).rewards) {
    const double value = term.from_inventory ? held[term.index] : stats[term.index];
    total += std::min(term.weight * value, term.cap);
  }
  return total;
}

void StartRewards(const World& world) {
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    world.agents.potential[i] = RewardPotential(world, AgentId(i));
  }
}

void PayRewards(const World& world) {
  const GameProgram& program = *world.program;
  for (std::size_t i = 0; i < program.num_agents; ++i) {
    std::uint8_t& changed = world.agents.changed[i];
    const AgentRules& rules = world.RulesOf(AgentId(i));
    double earned = 0.0;
    if (rules.rewards_read_stats || (changed & kHoldingsChanged) != 0) {
      const double potential = RewardPotential(world, AgentId(i));
      earned = potential - world.agents.potential[i];
      world.agents.potential[i] = potential;
    }
    if ((changed & kPenalised) != 0) earned -= static_cast<double>(rules.failure_penalty);
    changed = static_cast<std::uint8_t>(changed & ~(kHoldingsChanged | kPenalised));
    world.agents.reward[i] = static_cast<float>(earned);
    world.agents.episode_return[i] += earned;
  }
}

}  // namespace mettagrid
