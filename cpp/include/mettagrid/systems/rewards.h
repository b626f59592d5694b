#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Sum of the reward terms for what `agent` holds and has done.
double RewardPotential(const World& world, AgentId agent);

// What `agent` holds now is not rewarded: for agents that enter, and for edits from outside.
void RestartRewards(const World& world, AgentId agent);

// Start of an episode: what agents hold now is not rewarded.
void StartRewards(const World& world);

// Phases 4 and 5 of a step: pays the change of the potential and the terms of each tick, less the penalty of a failed
// action, shares it as the game says, and sums it up.
void PayRewards(const World& world);

}  // namespace mettagrid
