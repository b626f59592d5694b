#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mettagrid/config/named.h"

namespace mettagrid {

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

}  // namespace mettagrid
