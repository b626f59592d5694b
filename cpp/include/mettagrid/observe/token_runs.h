#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Each thing on the map has its tokens encoded once, in a run of the world: 3 bytes a token, location 0; the run's last
// byte counts them. Observers copy runs and add the location. Runs are rebuilt only for what changed.

// Start of an episode: also the runs of static objects, which never change afterwards.
void EncodeStatics(const World& world);

// Rebuilds the runs of agents and converters that changed since the last call.
void RefreshRuns(const World& world);

}  // namespace mettagrid
