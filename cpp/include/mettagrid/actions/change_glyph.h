#pragma once

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Shows glyph number `glyph`.
Outcome ChangeGlyph(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t glyph);
void MaskChangeGlyph(const World& world, AgentId agent, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
