#include "mettagrid/systems/timed_events.h"

#include <bit>

#include "mettagrid/objects/object_kinds.h"

namespace mettagrid {

void RunTimedEvents(const World& world) {
  const std::uint32_t now = world.header().step;
  const std::size_t num_words = (world.program->num_objects() + 63) / 64;
  for (std::size_t word = 0; word < num_words; ++word) {
    std::uint64_t asleep = 0;
    const std::uint64_t awake = world.objects.awake[word];
    for (std::uint64_t left = awake; left != 0; left &= left - 1) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(left));
      const ObjectId object(word * 64 + bit);
      if (!KindOf(world, object).tick(world, object, now)) asleep |= std::uint64_t{1} << bit;
    }
    world.objects.awake[word] = awake & ~asleep;
    world.objects.changed[word] |= awake;  // remaining times count down
  }
}

}  // namespace mettagrid
