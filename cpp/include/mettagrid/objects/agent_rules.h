#pragma once

#include <cstdint>
#include <vector>

#include "mettagrid/config/agent_config.h"
#include "mettagrid/objects/action_table.h"
#include "mettagrid/objects/names.h"

namespace mettagrid {

// contribution = min(max(weight * value, floor), cap); value is an amount held now, or a statistic.
struct RewardTerm {
  bool from_inventory = true;
  std::uint16_t index = 0;  // ItemId or stat slot
  double weight = 1.0;
  double cap = 0.0;
  double floor = 0.0;
};

// Several resources of one agent, or one resource of a whole group, have a limit in common.
struct SharedLimit {
  std::vector<ItemId> items;
  std::uint32_t limit;
  bool of_team;
};

// What holds for the agents of one group.
struct AgentRules {
  std::vector<Amount> resource_limits;  // [R]
  std::vector<SharedLimit> shared_limits;
  std::vector<ItemAmount> initial_inventory;
  std::vector<bool> soul_bound;  // [R]
  std::uint16_t freeze_duration = 10;
  float failure_penalty = 0.0F;
  std::vector<RewardTerm> rewards;       // a step pays the change of their sum
  std::vector<RewardTerm> tick_rewards;  // a step pays their sum
  bool rewards_read_stats = false;       // some term reads a statistic, which may change without the inventory
};

// `key`: where the config stands, "agent" or "groups.<name>.agent". All statistics of the game are named already.
AgentRules CompileAgent(const AgentConfig& config, const std::string& key, const Names& names);

// One shared limit for each resource that `group` limits as a whole.
void AddTeamLimits(const GroupConfig& group, const std::string& key, const Names& names, AgentRules& rules);

}  // namespace mettagrid
