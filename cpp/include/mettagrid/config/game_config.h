#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mettagrid/config/actions_config.h"
#include "mettagrid/config/agent_config.h"
#include "mettagrid/config/map_config.h"
#include "mettagrid/config/named.h"
#include "mettagrid/config/objects_config.h"
#include "mettagrid/config/observation_config.h"
#include "mettagrid/config/systems_config.h"

// The game as the user wrote it: a mirror of metta/mettagrid/config/*.py, names not yet resolved. Each struct lists its
// fields once, in Visit; reading from Python, the schema and the parity test are all made from that list.

namespace mettagrid {

struct GameConfig {
  std::string profile = "classic";  // the defaults of the Python side, already filled in
  std::vector<std::string> resource_names;
  std::int64_t num_agents = 24;
  std::int64_t max_steps = 1000;
  ObservationConfig obs;
  AgentConfig agent;
  Named<GroupConfig> groups = {{"agent", GroupConfig{}}};
  std::optional<std::vector<std::vector<double>>> reward_sharing;  // [A][A]
  Weights terminate_when;                                          // statistic -> sum over all agents
  ActionsConfig actions;
  SystemsConfig systems;
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
    visit("reward_sharing", self.reward_sharing);
    visit("terminate_when", self.terminate_when);
    visit("actions", self.actions);
    visit("systems", self.systems);
    visit("objects", self.objects);
    visit("map", self.map);
  }
};

}  // namespace mettagrid
