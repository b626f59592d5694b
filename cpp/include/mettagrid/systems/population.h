#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Start of an episode: agents that enter later wait outside.
void StartPopulation(const World& world);

// First agents leave, then others enter, so that a cell left is free for whoever comes.
void RunPopulation(const World& world);

}  // namespace mettagrid
