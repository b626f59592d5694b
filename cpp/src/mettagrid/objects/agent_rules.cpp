#include "mettagrid/objects/agent_rules.h"

#include <algorithm>
#include <limits>

#include "mettagrid/core/check.h"

namespace mettagrid {
namespace {

double Cap(const Weights& caps, const std::string& name) {
  for (const auto& [known, cap] : caps) {
    if (known == name) return cap;
  }
  return std::numeric_limits<double>::infinity();
}

void CompileRewards(const RewardsConfig& config, const std::string& key, const Names& names, AgentRules& rules) {
  for (const auto& [name, weight] : config.inventory) {
    rules.rewards.push_back(
        {true, names.Item(key + ".inventory", name).value, weight, Cap(config.inventory_max, name)});
  }
  const auto& known = names.stats.names();
  for (const auto& [name, weight] : config.stats) {
    const auto found = std::find(known.begin(), known.end(), name);
    MG_CHECK(found != known.end(), ConfigError, key, ".stats names the statistic '", name,
             "', which no agent keeps; expected for example 'action.move.success'.");
    const auto slot = static_cast<std::uint16_t>(found - known.begin());
    const bool is_amount = names.stats.IsHeld(slot);
    rules.rewards.push_back(
        {is_amount, is_amount ? static_cast<std::uint16_t>(slot / 3) : slot, weight, Cap(config.stats_max, name)});
    rules.rewards_read_stats |= !is_amount;
  }
}

}  // namespace

AgentRules CompileAgent(const AgentConfig& config, const std::string& key, const Names& names) {
  AgentRules rules;
  const auto limit = Ranged(key + ".default_resource_limit", config.default_resource_limit, 0, kMaxAmount);
  rules.resource_limits.assign(names.resources.size(), static_cast<Amount>(limit));
  for (const ItemAmount& entry : names.Resolve(key + ".resource_limits", config.resource_limits, 0)) {
    rules.resource_limits[entry.item.index()] = entry.amount;
  }
  rules.initial_inventory = names.Resolve(key + ".initial_inventory", config.initial_inventory, 0);
  for (const ItemAmount& entry : rules.initial_inventory) {
    MG_CHECK(entry.amount <= rules.resource_limits[entry.item.index()], ConfigError, key, ".initial_inventory.",
             names.resources[entry.item.index()], "=", entry.amount, " exceeds the agent's limit of ",
             rules.resource_limits[entry.item.index()], ".");
  }
  rules.soul_bound.assign(names.resources.size(), false);
  for (const std::string& name : config.soul_bound_resources) {
    rules.soul_bound[names.Item(key + ".soul_bound_resources", name).index()] = true;
  }
  rules.freeze_duration =
      static_cast<std::uint16_t>(Ranged(key + ".freeze_duration", config.freeze_duration, 0, kMaxTicks));
  rules.failure_penalty = static_cast<float>(config.action_failure_penalty);
  CompileRewards(config.rewards, key + ".rewards", names, rules);
  return rules;
}

}  // namespace mettagrid
