#include "mettagrid/systems/reward_sharing.h"

#include <algorithm>
#include <array>

namespace mettagrid {
namespace {

void ShareInGroups(const World& world, std::span<double> rewards) {
  const std::vector<double>& share = world.program->sharing.group_share;
  std::array<double, 256> sums{};
  std::array<std::uint32_t, 256> members{};
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    if (!TakesPart(world, AgentId(i))) continue;
    sums[world.agents.group[i]] += rewards[i];
    ++members[world.agents.group[i]];
  }
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    const std::size_t group = world.agents.group[i];
    if (share[group] == 0.0 || !TakesPart(world, AgentId(i))) continue;
    rewards[i] = (1.0 - share[group]) * rewards[i] + share[group] * (sums[group] / members[group]);
  }
}

void ShareByMatrix(const World& world, std::span<double> rewards) {
  const RewardSharing& sharing = world.program->sharing;
  std::array<double, kMaxAgents> earned;
  std::copy(rewards.begin(), rewards.end(), earned.begin());
  std::size_t next = 0;
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    double got = 0.0;  // an agent that takes no part earned 0
    for (; next < sharing.row_ends[i]; ++next) {
      got += sharing.weights[next].weight * earned[sharing.weights[next].giver];
    }
    rewards[i] = TakesPart(world, AgentId(i)) ? got : 0.0;
  }
}

}  // namespace

void ShareRewards(const World& world, std::span<double> rewards) {
  if (std::all_of(rewards.begin(), rewards.end(), [](double reward) { return reward == 0.0; })) return;
  if (world.program->sharing.row_ends.empty()) {
    ShareInGroups(world, rewards);
  } else {
    ShareByMatrix(world, rewards);
  }
}

}  // namespace mettagrid
