#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Each unit that an agent holds gets lost with the resource's probability p: of n units, floor(p n) surely, and one
// more with the probability of the fraction, so that p n are lost on average.
void LoseResources(const World& world);

}  // namespace mettagrid
