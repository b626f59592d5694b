#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Phase 1 of a step: converters finish, cool down, start. Visits only those that are busy or were touched.
void RunTimedEvents(const World& world);

}  // namespace mettagrid
