#include "mettagrid/actions/change_glyph.h"

#include <algorithm>

namespace mettagrid {

Outcome ChangeGlyph(const World& world, AgentId agent, const ActionFamily&, std::uint8_t glyph) {
  world.agents.glyph[agent.index()] = glyph;
  world.agents.changed[agent.index()] |= kLooksChanged;
  return Outcome::kDone;
}

void MaskChangeGlyph(const World&, AgentId, const ActionFamily& family, bool* allowed) {
  std::fill_n(allowed, family.count, true);
}

}  // namespace mettagrid
