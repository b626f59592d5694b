#include "mettagrid/systems/rewards.h"

#include <algorithm>
#include <array>

#include "mettagrid/systems/reward_sharing.h"

namespace mettagrid {

namespace {

double Sum(const World& world, AgentId agent, const std::vector<RewardTerm>& terms) {
  const auto held = world.Inventory(agent);
  const auto stats = world.Stats(agent);
  double total = 0.0;
  for (const RewardTerm& term : terms) {
    const double value = term.from_inventory ? held[term.index] : stats[term.index];
    total += std::min(std::max(term.weight * value, term.floor), term.cap);
  }
  return total;
}

// What `agent` earned in this step, before sharing; settles its books.
double Earn(const World& world, AgentId agent) {
  const AgentRules& rules = world.RulesOf(agent);
  std::uint8_t& changed = world.agents.changed[agent.index()];
  if (!TakesPart(world, agent)) [[unlikely]] {
    changed = static_cast<std::uint8_t>(changed & ~(kHoldingsChanged | kPenalised));
    RestartRewards(world, agent);
    return 0.0;
  }
  double earned = 0.0;
  if (rules.rewards_read_stats || (changed & kHoldingsChanged) != 0) {
    const double potential = RewardPotential(world, agent);
    earned = potential - world.agents.potential[agent.index()];
    world.agents.potential[agent.index()] = potential;
  }
  if (!rules.tick_rewards.empty()) earned += Sum(world, agent, rules.tick_rewards);
  if ((changed & kPenalised) != 0) earned -= static_cast<double>(rules.failure_penalty);
  changed = static_cast<std::uint8_t>(changed & ~(kHoldingsChanged | kPenalised));
  return earned;
}

void Credit(const World& world, AgentId agent, double reward) {
  const std::size_t i = agent.index();
  world.agents.reward[i] = static_cast<float>(reward);
  if (reward == 0.0) return;
  world.agents.episode_return[i] += reward;
  if (reward < 0.0) return;
  world.agents.paid_times[i] += world.header().step;
  ++world.agents.paid_steps[i];
}

void PayAndShare(const World& world) {
  std::array<double, kMaxAgents> storage;
  const std::span rewards(storage.data(), world.program->num_agents);
  for (std::size_t i = 0; i < rewards.size(); ++i) rewards[i] = Earn(world, AgentId(i));
  ShareRewards(world, rewards);
  for (std::size_t i = 0; i < rewards.size(); ++i) Credit(world, AgentId(i), rewards[i]);
}

// Who is down or gone is so for a step more; who is gone has had its last reward, who waits will have none yet.
void SettleAbsent(const World& world) {
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    const Presence presence = world.agents.presence[i];
    world.agents.settled[i] = presence == Presence::kGone || presence == Presence::kWaiting ? 1 : 0;
    if (presence == Presence::kGone || presence == Presence::kDown) ++world.agents.away_steps[i];
  }
}

}  // namespace

double RewardPotential(const World& world, AgentId agent) { return Sum(world, agent, world.RulesOf(agent).rewards); }

void RestartRewards(const World& world, AgentId agent) {
  world.agents.potential[agent.index()] = RewardPotential(world, agent);
}

void StartRewards(const World& world) {
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    RestartRewards(world, AgentId(i));
    world.agents.settled[i] = world.agents.presence[i] == Presence::kWaiting ? 1 : 0;
  }
}

void PayRewards(const World& world) {
  if (world.program->sharing.enabled()) {
    PayAndShare(world);
  } else {
    for (std::size_t i = 0; i < world.program->num_agents; ++i) Credit(world, AgentId(i), Earn(world, AgentId(i)));
  }
  SettleAbsent(world);
}

}  // namespace mettagrid
