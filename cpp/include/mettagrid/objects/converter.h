#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// What the timed events of step `now` do to a converter, in this order. `phase` and `until` hold afterwards.
//
//        start: inputs consumed          finish: outputs added
//   idle ------------------> converting ----------------------> cooling --(cooldown ends)--> idle
//                            conversion_ticks                   cooldown (0: straight to idle)
struct ConverterChange {
  bool finishes = false;
  bool starts = false;
  ConverterPhase phase = ConverterPhase::kIdle;
  std::uint32_t until = 0;
};

// The automaton as a pure function: timed events apply it, action masks look ahead with it.
ConverterChange NextChange(const World& world, ConverterId converter, std::uint32_t now);

// Amount of `item` that the converter holds after `change`.
int HeldAfter(const World& world, ConverterId converter, const ConverterChange& change, ItemId item);

}  // namespace mettagrid
