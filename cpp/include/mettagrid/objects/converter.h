#pragma once

#include "mettagrid/config/objects_config.h"
#include "mettagrid/objects/object_kinds.h"

namespace mettagrid {

// Turns inputs into outputs by itself; without inputs it is a mine. An agent that uses it puts what the recipe lacks
// and takes what is offered.
//
//        start: inputs consumed          finish: outputs added
//   idle ------------------> converting ----------------------> cooling --(cooldown ends)--> idle
//                            conversion_ticks                   cooldown (0: straight to idle)
extern const ObjectKind kConverterKind;

// Throws ConfigError naming the key below `key`, "objects.<name>".
void Compile(const ConverterConfig& config, const std::string& key, const Names& names, ObjectType& type);

// What the timed events of step `now` do to a converter, in this order. `phase` and `until` hold afterwards.
struct ConverterChange {
  bool finishes = false;
  bool starts = false;
  ObjectPhase phase = ObjectPhase::kIdle;
  std::uint32_t until = 0;
};

// The automaton as a pure function: timed events apply it, action masks look ahead with it.
ConverterChange NextChange(const World& world, ObjectId converter, std::uint32_t now);

// Amount of `item` that the converter holds after `change`.
int HeldAfter(const World& world, ObjectId converter, const ConverterChange& change, ItemId item);

}  // namespace mettagrid
