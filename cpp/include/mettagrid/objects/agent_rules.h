#pragma once

#include <cstdint>
#include <vector>

#include "mettagrid/config/agent_config.h"
#include "mettagrid/objects/action_table.h"
#include "mettagrid/objects/names.h"

namespace mettagrid {

// contribution = min(weight * value, cap); value is an amount held now, or a statistic.
struct RewardTerm {
  bool from_inventory;
  std::uint16_t index;  // ItemId or stat slot
  double weight;
  double cap;
};

// What holds for the agents of one group.
struct AgentRules {
  std::vector<Amount> resource_limits;  // [R]
  std::vector<ItemAmount> initial_inventory;
  std::vector<bool> soul_bound;  // [R]
  std::uint16_t freeze_duration = 10;
  float failure_penalty = 0.0F;
  std::vector<RewardTerm> rewards;
  bool rewards_read_stats = false;  // some term reads a statistic, which may change without the inventory
};

// `key`: where the config stands, "agent" or "groups.<name>.agent". All statistics of the game are named already.
AgentRules CompileAgent(const AgentConfig& config, const std::string& key, const Names& names);

}  // namespace mettagrid
