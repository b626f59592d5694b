#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "mettagrid/objects/world.h"

namespace mettagrid {

// What an agent held before it handled an object, to count what went over and what came.
class HeldBefore {
 public:
  HeldBefore(const World& world, AgentId agent) : world_(world), agent_(agent) {
    std::ranges::copy(world.Inventory(agent), before_.begin());
  }

  void CountLost(std::size_t first_slot) const { Count(first_slot, -1); }
  void CountGained(std::size_t first_slot) const { Count(first_slot, 1); }

 private:
  // Counts only changes in the direction of `sign`: an object may take something for what it gives.
  void Count(std::size_t first_slot, int sign) const {
    const auto held = world_.Inventory(agent_);
    for (std::size_t item = 0; item < held.size(); ++item) {
      const int change = sign * (held[item] - before_[item]);
      if (change > 0) world_.Count(agent_, first_slot + item, change);
    }
  }

  const World& world_;
  AgentId agent_;
  std::array<Amount, kMaxResources> before_{};
};

}  // namespace mettagrid
