#include "mettagrid/actions/rotate.h"

#include <algorithm>

#include "mettagrid/actions/facing.h"

namespace mettagrid {

Outcome Rotate(const World& world, AgentId agent, const ActionFamily&, std::uint8_t direction) {
  Face(world, agent, direction);
  return Outcome::kDone;
}

void MaskRotate(const World&, AgentId, const ActionFamily& family, bool* allowed) {
  std::fill_n(allowed, family.count, true);
}

}  // namespace mettagrid
