#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Each agent has been on the cell where the step leaves it once more.
void CountVisits(const World& world);

}  // namespace mettagrid
