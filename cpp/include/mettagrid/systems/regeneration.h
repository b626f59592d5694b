#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Every `interval` steps each agent gains the amounts, as far as its limits allow.
void RegenerateResources(const World& world);

}  // namespace mettagrid
