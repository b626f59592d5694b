#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Each agent pays for its raised shield. One that cannot, or has nothing left afterwards, loses it.
void PayShields(const World& world);

}  // namespace mettagrid
