#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Hands units over; counts them in the giver's slot of that resource. The receiver can spend them from the next step
// on.
inline void Give(const World& world, AgentId giver, AgentId receiver, ItemAmount gift, std::size_t first_slot) {
  world.Lose(giver, gift.item, gift.amount);
  world.Gain(receiver, gift.item, gift.amount);
  world.Count(giver, first_slot + gift.item.index(), gift.amount);
}

}  // namespace mettagrid
