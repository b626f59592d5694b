#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mettagrid/config/named.h"

namespace mettagrid {

struct RewardsConfig {
  Weights inventory;
  Weights inventory_max;
  Weights stats;
  Weights stats_max;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("inventory", self.inventory);
    visit("inventory_max", self.inventory_max);
    visit("stats", self.stats);
    visit("stats_max", self.stats_max);
  }
};

struct AgentConfig {
  std::int64_t default_resource_limit = 255;
  Amounts resource_limits;
  std::int64_t freeze_duration = 10;
  Amounts initial_inventory;
  std::vector<std::string> soul_bound_resources;
  double action_failure_penalty = 0.0;
  RewardsConfig rewards;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("default_resource_limit", self.default_resource_limit);
    visit("resource_limits", self.resource_limits);
    visit("freeze_duration", self.freeze_duration);
    visit("initial_inventory", self.initial_inventory);
    visit("soul_bound_resources", self.soul_bound_resources);
    visit("action_failure_penalty", self.action_failure_penalty);
    visit("rewards", self.rewards);
  }
};

struct GroupConfig {
  std::int64_t id = 0;
  std::optional<AgentConfig> agent;  // the group's own agents; none: the game's

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("id", self.id);
    visit("agent", self.agent);
  }
};

}  // namespace mettagrid
