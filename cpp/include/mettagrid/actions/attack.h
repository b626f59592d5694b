#pragma once

#include <cstdint>

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Hits the agent in one cell of the 3x3 ahead, seen along the attacker's orientation:
//
//     7 6 8    far
//     4 3 5
//     1 0 2    near
//       ^      attacker
//
// A shield takes `damage` units of its resource; if it has them all, that is the end of it. Otherwise the target pays
// its defense and blocks, or is frozen; if it was not frozen yet, it loses all that is not soul-bound, up to the
// attacker's limits.
Outcome Attack(const World& world, AgentId attacker, const ActionFamily& family, std::uint8_t cell);
void MaskAttack(const World& world, AgentId attacker, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
