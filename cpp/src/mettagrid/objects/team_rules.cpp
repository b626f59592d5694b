#include "mettagrid/objects/team_rules.h"

#include <cmath>

#include "mettagrid/config/check_config.h"
#include "mettagrid/core/check.h"

namespace mettagrid {
namespace {

void CompileMatrix(const std::vector<std::vector<double>>& matrix, std::size_t num_agents, RewardSharing& sharing) {
  MG_CHECK(matrix.size() == num_agents, ConfigError, "reward_sharing has ", matrix.size(), " rows, expected ",
           num_agents, ": one for each agent.");
  for (const std::vector<double>& row : matrix) {
    MG_CHECK(row.size() == num_agents, ConfigError, "reward_sharing has a row of ", row.size(), " numbers, expected ",
             num_agents, ": one for each agent.");
    for (std::size_t giver = 0; giver < row.size(); ++giver) {
      MG_CHECK(std::abs(row[giver]) <= kMaxReward, ConfigError, "reward_sharing holds ", row[giver], ", expected -",
               kMaxReward, " .. ", kMaxReward, ".");
      if (row[giver] != 0.0) sharing.weights.push_back({static_cast<std::uint16_t>(giver), row[giver]});
    }
    sharing.row_ends.push_back(static_cast<std::uint32_t>(sharing.weights.size()));
  }
}

}  // namespace

RewardSharing CompileSharing(const GameConfig& config) {
  RewardSharing sharing;
  if (config.reward_sharing) {
    CompileMatrix(*config.reward_sharing, static_cast<std::size_t>(config.num_agents), sharing);
  }
  bool any_share = false;
  for (const auto& [name, group] : config.groups) {
    MG_CHECK(group.reward_share >= 0.0 && group.reward_share <= 1.0, ConfigError, "groups.", name,
             ".reward_share=", group.reward_share, ", expected 0 .. 1.");
    any_share |= group.reward_share > 0.0;
  }
  if (!any_share) return sharing;
  MG_CHECK(!config.reward_sharing, ConfigError,
           "reward_sharing is given, and a group has a reward_share too; expected one of the two.");
  for (const auto& [name, group] : config.groups) sharing.group_share.push_back(group.reward_share);
  return sharing;
}

std::vector<Goal> CompileGoals(const Weights& terminate_when, const Names& names) {
  std::vector<Goal> goals;
  for (const auto& [name, threshold] : terminate_when) {
    const std::uint16_t slot = names.Stat("terminate_when", name);
    MG_CHECK(threshold > 0.0 && threshold <= kMaxGoal, ConfigError, "terminate_when.", name, "=", threshold,
             ", expected above 0, at most ", kMaxGoal, ".");
    const bool held = names.stats.IsHeld(slot);
    goals.push_back(
        {.from_inventory = held, .index = held ? static_cast<std::uint16_t>(slot / 3) : slot, .threshold = threshold});
  }
  return goals;
}

std::vector<std::uint8_t> DealGroups(const Named<GroupConfig>& groups, std::uint32_t num_agents) {
  std::vector<std::int64_t> wanted;
  std::int64_t total = 0;
  for (const auto& [name, group] : groups) {
    wanted.push_back(Ranged("groups." + name + ".count", group.count.value_or(0), 0, num_agents));
    total += wanted.back();
  }
  std::vector<std::uint8_t> dealt;
  if (total == 0) return dealt;
  MG_CHECK(total == num_agents, ConfigError, "the counts of groups sum to ", total, ", but num_agents=", num_agents,
           ". Make them equal, or remove every count.");
  while (dealt.size() < num_agents) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] == 0) continue;
      --wanted[i];
      dealt.push_back(static_cast<std::uint8_t>(i));
    }
  }
  return dealt;
}

}  // namespace mettagrid
