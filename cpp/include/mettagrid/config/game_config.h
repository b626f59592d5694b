#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mettagrid/config/map_config.h"

// The game as the user wrote it: a mirror of metta/mettagrid/config/*.py, names not yet resolved. Each struct lists its
// fields once, in Visit; reading from Python, the schema and the parity test are all made from that list.

namespace mettagrid {

using Amounts = Named<std::int64_t>;
using Weights = Named<double>;

struct ObservationConfig {
  std::int64_t width = 11;
  std::int64_t height = 11;
  std::int64_t num_tokens = 200;
  bool episode_completion_pct = true;
  bool last_action = true;
  bool last_reward = true;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("width", self.width);
    visit("height", self.height);
    visit("num_tokens", self.num_tokens);
    visit("episode_completion_pct", self.episode_completion_pct);
    visit("last_action", self.last_action);
    visit("last_reward", self.last_reward);
  }
};

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

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("id", self.id);
  }
};

struct NoopConfig {
  template <class Visitor, class Self>
  static void Visit(Visitor&&, Self&) {}
};

struct MoveConfig {
  bool enabled = true;
  Amounts required_resources;
  Amounts consumed_resources;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("enabled", self.enabled);
    visit("required_resources", self.required_resources);
    visit("consumed_resources", self.consumed_resources);
  }
};

struct AttackConfig {
  bool enabled = false;
  Amounts required_resources;
  Amounts consumed_resources;
  Amounts defense_resources;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("enabled", self.enabled);
    visit("required_resources", self.required_resources);
    visit("consumed_resources", self.consumed_resources);
    visit("defense_resources", self.defense_resources);
  }
};

struct ActionsConfig {
  NoopConfig noop;
  MoveConfig move;
  AttackConfig attack;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("noop", self.noop);
    visit("move", self.move);
    visit("attack", self.attack);
  }
};

struct WallConfig {
  static constexpr const char* kType = "wall";
  std::int64_t type_id = 1;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("type_id", self.type_id);
  }
};

struct ConverterConfig {
  static constexpr const char* kType = "converter";
  std::int64_t type_id = 1;
  Amounts input_resources;
  Amounts output_resources;
  std::int64_t max_output = 5;
  std::int64_t max_conversions = -1;
  std::int64_t conversion_ticks = 1;
  std::int64_t cooldown = 0;
  std::int64_t initial_resource_count = 0;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("type_id", self.type_id);
    visit("input_resources", self.input_resources);
    visit("output_resources", self.output_resources);
    visit("max_output", self.max_output);
    visit("max_conversions", self.max_conversions);
    visit("conversion_ticks", self.conversion_ticks);
    visit("cooldown", self.cooldown);
    visit("initial_resource_count", self.initial_resource_count);
  }
};

using ObjectConfig = std::variant<WallConfig, ConverterConfig>;

struct GameConfig {
  std::string profile = "use";
  std::vector<std::string> resource_names;
  std::int64_t num_agents = 24;
  std::int64_t max_steps = 1000;
  ObservationConfig obs;
  AgentConfig agent;
  Named<GroupConfig> groups = {{"agent", GroupConfig{}}};
  ActionsConfig actions;
  Named<ObjectConfig> objects = {{"wall", WallConfig{}}};
  MapConfig map;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("profile", self.profile);
    visit("resource_names", self.resource_names);
    visit("num_agents", self.num_agents);
    visit("max_steps", self.max_steps);
    visit("obs", self.obs);
    visit("agent", self.agent);
    visit("groups", self.groups);
    visit("actions", self.actions);
    visit("objects", self.objects);
    visit("map", self.map);
  }
};

}  // namespace mettagrid
