#pragma once

#include <cstdint>
#include <string>

namespace mettagrid {

struct ObservationConfig {
  std::string kind = "tokens";
  std::int64_t width = 11;
  std::int64_t height = 11;
  std::string shape = "square";
  bool line_of_sight = false;
  std::int64_t num_tokens = 200;
  std::string overflow = "drop_far";
  bool episode_completion_pct = true;
  bool last_action = true;
  bool last_reward = true;
  bool visitation_counts = false;
  bool global_state = false;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("kind", self.kind);
    visit("width", self.width);
    visit("height", self.height);
    visit("shape", self.shape);
    visit("line_of_sight", self.line_of_sight);
    visit("num_tokens", self.num_tokens);
    visit("overflow", self.overflow);
    visit("episode_completion_pct", self.episode_completion_pct);
    visit("last_action", self.last_action);
    visit("last_reward", self.last_reward);
    visit("visitation_counts", self.visitation_counts);
    visit("global_state", self.global_state);
  }
};

}  // namespace mettagrid
