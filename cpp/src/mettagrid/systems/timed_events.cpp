#include "mettagrid/systems/timed_events.h"

#include <bit>

#include "mettagrid/objects/converter.h"

namespace mettagrid {
namespace {

void Apply(const World& world, ConverterId converter, const ConverterChange& change) {
  const ConverterType& type = world.program->TypeOf(converter);
  const auto stock = world.Inventory(converter);
  if (change.finishes) {
    for (const ItemAmount& output : type.outputs) {
      stock[output.item.index()] = static_cast<Amount>(stock[output.item.index()] + output.amount);
    }
  }
  if (change.starts) {
    for (const ItemAmount& input : type.inputs) {
      stock[input.item.index()] = static_cast<Amount>(stock[input.item.index()] - input.amount);
    }
    if (type.max_conversions >= 0) --world.converters.conversions_left[converter.index()];
  }
  world.converters.phase[converter.index()] = change.phase;
  world.converters.until[converter.index()] = change.until;
}

}  // namespace

void RunTimedEvents(const World& world) {
  const std::uint32_t now = world.header().step;
  const std::size_t num_words = (world.program->num_converters() + 63) / 64;
  for (std::size_t word = 0; word < num_words; ++word) {
    std::uint64_t asleep = 0;
    const std::uint64_t awake = world.converters.awake[word];
    for (std::uint64_t left = awake; left != 0; left &= left - 1) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(left));
      const ConverterId converter(word * 64 + bit);
      const ConverterChange change = NextChange(world, converter, now);
      Apply(world, converter, change);
      // Idle and unable to start: nothing happens until an agent touches it.
      if (change.phase == ConverterPhase::kIdle) asleep |= std::uint64_t{1} << bit;
    }
    world.converters.awake[word] = awake & ~asleep;
    world.converters.changed[word] |= awake;  // remaining times count down
  }
}

}  // namespace mettagrid
