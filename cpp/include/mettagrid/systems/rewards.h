#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Sum of the reward terms for what `agent` holds and has done.
double RewardPotential(const World& world, AgentId agent);

// Start of an episode: what agents hold now is not rewarded.
void StartRewards(const World& world);

// Phases 4 and 5 of a step: pays the change of the potential, less the penalty of a failed action, and sums it up.
void PayRewards(const World& world);

}  // namespace mettagrid
