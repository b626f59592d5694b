#include "mettagrid/objects/agent_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "mettagrid/config/check_config.h"
#include "mettagrid/core/check.h"

namespace mettagrid {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t kMostTogether = std::int64_t{kMaxAmount} * 1024;

std::optional<double> Cap(const Weights& caps, const std::string& name) {
  for (const auto& [known, cap] : caps) {
    if (known == name) return cap;
  }
  return std::nullopt;
}

// Collects the terms of one agent's rewards.
class RewardCompiler {
 public:
  RewardCompiler(const std::string& key, const Names& names, AgentRules& rules)
      : key_(key), names_(names), rules_(rules) {}

  void Add(const std::string& name, const RewardTermConfig& config) {
    MG_CHECK(config.resource.empty() != config.stat.empty(), ConfigError, key_, ".", name,
             " needs exactly one of resource and stat, got resource='", config.resource, "', stat='", config.stat,
             "'.");
    MG_CHECK(config.mode == "delta" || config.mode == "tick", ConfigError, key_, ".", name, ".mode='", config.mode,
             "', expected 'delta' or 'tick'.");
    RewardTerm term = config.stat.empty() ? OfResource(name, config.resource) : OfStat(name, config.stat);
    term.weight = config.weight;
    term.cap = config.cap.value_or(kInfinity);
    term.floor = config.floor.value_or(-kInfinity);
    Bound(name + ".weight", term.weight);
    if (config.cap) Bound(name + ".cap", term.cap);
    if (config.floor) Bound(name + ".floor", term.floor);
    MG_CHECK(term.floor <= term.cap, ConfigError, key_, ".", name, ".floor=", term.floor, " exceeds its cap=", term.cap,
             ". Lower it.");
    if (config.mode == "tick") {
      rules_.tick_rewards.push_back(term);
    } else {
      rules_.rewards.push_back(term);
      rules_.rewards_read_stats |= !term.from_inventory;
    }
  }

 private:
  void Bound(const std::string& name, double value) const {
    MG_CHECK(std::abs(value) <= kMaxReward, ConfigError, key_, ".", name, "=", value, ", expected -", kMaxReward,
             " .. ", kMaxReward, ".");
  }
  RewardTerm OfResource(const std::string& name, const std::string& resource) const {
    return {.from_inventory = true, .index = names_.Item(key_ + "." + name, resource).value};
  }
  RewardTerm OfStat(const std::string& name, const std::string& stat) const {
    const std::uint16_t slot = names_.Stat(key_ + "." + name, stat);
    if (names_.stats.IsHeld(slot)) return {.from_inventory = true, .index = static_cast<std::uint16_t>(slot / 3)};
    return {.from_inventory = false, .index = slot};
  }

  const std::string& key_;
  const Names& names_;
  AgentRules& rules_;
};

void CompileRewards(const RewardsConfig& config, const std::string& key, const Names& names, AgentRules& rules) {
  RewardCompiler compiler(key, names, rules);
  for (const auto& [name, weight] : config.inventory) {
    compiler.Add("inventory." + name, {.resource = name, .weight = weight, .cap = Cap(config.inventory_max, name)});
  }
  for (const auto& [name, weight] : config.stats) {
    compiler.Add("stats." + name, {.stat = name, .weight = weight, .cap = Cap(config.stats_max, name)});
  }
  for (const auto& [name, term] : config.terms) compiler.Add("terms." + name, term);
}

void CompileSharedLimits(const AgentConfig& config, const std::string& key, const Names& names, AgentRules& rules) {
  for (const auto& [name, shared] : config.shared_limits) {
    const std::string where = key + ".shared_limits." + name;
    SharedLimit& limit = rules.shared_limits.emplace_back();
    limit.limit = static_cast<std::uint32_t>(Ranged(where + ".limit", shared.limit, 0, kMostTogether));
    limit.of_team = false;
    for (const std::string& resource : shared.resources) {
      limit.items.push_back(names.Item(where + ".resources", resource));
    }
    std::uint64_t start = 0;
    for (const ItemAmount& entry : rules.initial_inventory) {
      if (std::find(limit.items.begin(), limit.items.end(), entry.item) != limit.items.end()) start += entry.amount;
    }
    MG_CHECK(start <= limit.limit, ConfigError, key, ".initial_inventory holds ", start, " units of ", where,
             ", more than its limit of ", limit.limit, ".");
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
  CompileSharedLimits(config, key, names, rules);
  rules.soul_bound.assign(names.resources.size(), false);
  for (const std::string& name : config.soul_bound_resources) {
    rules.soul_bound[names.Item(key + ".soul_bound_resources", name).index()] = true;
  }
  rules.freeze_duration =
      static_cast<std::uint16_t>(Ranged(key + ".freeze_duration", config.freeze_duration, 0, kMaxTicks));
  MG_CHECK(config.action_failure_penalty >= 0.0 && config.action_failure_penalty <= kMaxReward, ConfigError, key,
           ".action_failure_penalty=", config.action_failure_penalty, ", expected 0 .. ", kMaxReward, ".");
  rules.failure_penalty = static_cast<float>(config.action_failure_penalty);
  CompileRewards(config.rewards, key + ".rewards", names, rules);
  return rules;
}

void AddTeamLimits(const GroupConfig& group, const std::string& key, const Names& names, AgentRules& rules) {
  for (const auto& [resource, limit] : group.limits) {
    rules.shared_limits.push_back(
        {.items = {names.Item(key + ".limits", resource)},
         .limit = static_cast<std::uint32_t>(Ranged(key + ".limits." + resource, limit, 0, kMostTogether)),
         .of_team = true});
  }
}

}  // namespace mettagrid
