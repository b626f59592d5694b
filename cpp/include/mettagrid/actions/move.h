#pragma once

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Turns the agent, even when it cannot move.
void FaceMove(const World& world, AgentId agent, std::uint8_t direction);

// Steps into an empty cell or, where moves use objects, uses the object there.
//   before  @ .  move_east  after  . @        before  @ m  move_east  after  @ m  (and the agent holds the ore)
// A blocked diagonal slides into an empty neighbour, the clockwise one first; the agent keeps facing the diagonal.
//   before  . #  move_northeast  after  . #
//           @ .                         . @
Outcome Move(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t direction);
void MaskMove(const World& world, AgentId agent, const ActionFamily& family, bool* allowed);

}  // namespace mettagrid
