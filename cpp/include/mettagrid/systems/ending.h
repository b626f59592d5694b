#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Phase 6 of a step. The episode terminates when a goal of terminate_when is met or every agent has left for good, and
// is truncated at its step limit otherwise: an end that the rules make never counts as one that the clock made.
void EndEpisode(const World& world);

}  // namespace mettagrid
