#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Frees what was paid for in this step, then clips: each free object by the rate, or one object a period on average,
// next to those that are clipped already. A candidate's weight is the sum over the clipped objects of
//
//     2^(cutoff - d),  d = floor(max(|rows|, |columns|) / length_scale),  0 beyond the cutoff
//
// and all weigh the same where none is in reach. Objects are looked at in the order of their numbers.
void RunClipper(const World& world);

}  // namespace mettagrid
