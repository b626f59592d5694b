#include "mettagrid/actions/change_color.h"

#include <algorithm>

namespace mettagrid {

Outcome ChangeColor(const World& world, AgentId agent, const ActionFamily&, std::uint8_t shift) {
  constexpr int kShifts[] = {1, -1, 63, -63};
  std::uint8_t& color = world.agents.color[agent.index()];
  color = static_cast<std::uint8_t>(color + kShifts[shift]);
  world.agents.changed[agent.index()] |= kLooksChanged;
  return Outcome::kDone;
}

void MaskChangeColor(const World&, AgentId, const ActionFamily& family, bool* allowed) {
  std::fill_n(allowed, family.count, true);
}

}  // namespace mettagrid
