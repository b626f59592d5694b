#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Each agent pays for the step that it was here: whole units, and the fraction with its probability. One that holds
// less pays what it has, and bears the consequence that the game chose.
void PayUpkeep(const World& world);

}  // namespace mettagrid
