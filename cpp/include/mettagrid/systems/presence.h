#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Start of an episode: where each agent stands is its home.
void RememberHomes(const World& world);

// Takes an agent off the grid, if it stands there, with what it holds.
void Withdraw(const World& world, AgentId agent, Presence presence);

// Puts it back: onto its home if that is wanted and free, else onto a free cell drawn from all of the map's. Returns
// false when there is none.
bool PutBack(const World& world, AgentId agent, bool at_home);

}  // namespace mettagrid
