#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mettagrid/config/named.h"

namespace mettagrid {

// min(max(weight * value, floor), cap) of an amount held or of a statistic.
struct RewardTermConfig {
  std::string resource = {};
  std::string stat = {};
  double weight = 1.0;
  std::optional<double> cap = {};
  std::optional<double> floor = {};
  std::string mode = "delta";

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("resource", self.resource);
    visit("stat", self.stat);
    visit("weight", self.weight);
    visit("cap", self.cap);
    visit("floor", self.floor);
    visit("mode", self.mode);
  }
};

struct RewardsConfig {
  Weights inventory;
  Weights inventory_max;
  Weights stats;
  Weights stats_max;
  Named<RewardTermConfig> terms;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("inventory", self.inventory);
    visit("inventory_max", self.inventory_max);
    visit("stats", self.stats);
    visit("stats_max", self.stats_max);
    visit("terms", self.terms);
  }
};

// The resources together stay within the limit.
struct SharedLimitConfig {
  std::int64_t limit = 0;
  std::vector<std::string> resources;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("limit", self.limit);
    visit("resources", self.resources);
  }
};

struct AgentConfig {
  std::int64_t default_resource_limit = 255;
  Amounts resource_limits;
  Named<SharedLimitConfig> shared_limits;
  std::int64_t freeze_duration = 10;
  Amounts initial_inventory;
  std::vector<std::string> soul_bound_resources;
  double action_failure_penalty = 0.0;
  RewardsConfig rewards;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("default_resource_limit", self.default_resource_limit);
    visit("resource_limits", self.resource_limits);
    visit("shared_limits", self.shared_limits);
    visit("freeze_duration", self.freeze_duration);
    visit("initial_inventory", self.initial_inventory);
    visit("soul_bound_resources", self.soul_bound_resources);
    visit("action_failure_penalty", self.action_failure_penalty);
    visit("rewards", self.rewards);
  }
};

struct GroupConfig {
  std::int64_t id = 0;
  std::optional<AgentConfig> agent;   // the group's own agents; none: the game's
  std::optional<std::int64_t> count;  // agents that are dealt to it, on maps that name no groups
  Amounts limits;                     // what its agents may hold together
  double reward_share = 0.0;          // part of each reward that goes to all of the group

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("id", self.id);
    visit("agent", self.agent);
    visit("count", self.count);
    visit("limits", self.limits);
    visit("reward_share", self.reward_share);
  }
};

}  // namespace mettagrid
