#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/description.h"
#include "mettagrid/objects/token_run.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// What a kind of object does. One line each in object_kinds.cpp.
struct ObjectKind {
  // Episode start: fills the state of an object that has just been placed.
  void (*start)(const World& world, ObjectId object);
  // An agent uses the object: by moving into it, or from in front of it. `reserved` [R] is what the agent keeps back.
  Outcome (*use)(const World& world, AgentId agent, ObjectId object, std::span<const Amount> reserved);
  // Whether `use` would succeed, were it the first action of the next step. Later in that step it can only get worse.
  bool (*can_use)(const World& world, AgentId agent, ObjectId object, std::span<const Amount> reserved);
  // An agent in front of the object puts into it what it lacks, or takes what it offers; the contract is that of `use`
  // and `can_use`. Null: there is nothing to put, or to get.
  Outcome (*put)(const World& world, AgentId agent, ObjectId object, std::span<const Amount> reserved) = nullptr;
  bool (*can_put)(const World& world, AgentId agent, ObjectId object, std::span<const Amount> reserved) = nullptr;
  Outcome (*get)(const World& world, AgentId agent, ObjectId object, std::span<const Amount> reserved) = nullptr;
  bool (*can_get)(const World& world, AgentId agent, ObjectId object, std::span<const Amount> reserved) = nullptr;
  // Whether an agent may walk onto the object now, or as the first action of the next step. Null: it is in the way. Its
  // type is on_floor then.
  bool (*lets_pass)(const World& world, ObjectId object) = nullptr;
  bool (*will_let_pass)(const World& world, ObjectId object) = nullptr;
  // Whether its state, read from outside, is one that a step may follow. Null: any is.
  bool (*is_sound)(const World& world, ObjectId object) = nullptr;
  // A timed event of step `now`; called while the object is awake. Returns whether it stays awake.
  bool (*tick)(const World& world, ObjectId object, std::uint32_t now);
  // Tokens after type_id, at most `max_tokens` of them.
  void (*encode)(const World& world, ObjectId object, TokenRun& run);
  std::size_t (*max_tokens)(const ObjectType& type);
  // For inspection and replays.
  void (*describe)(const World& world, ObjectId object, Description& out);
  // Whether the clipper can clip it.
  bool clippable = false;
  // Whether it hides what is behind it, in games with line of sight; absent: never.
  bool (*is_opaque)(const World& world, ObjectId object) = nullptr;
};

extern const std::array<const ObjectKind*, std::variant_size_v<ObjectRules>> kObjectKinds;  // as ObjectRules

inline const ObjectKind& KindOf(const ObjectType& type) { return *kObjectKinds[type.rules.index()]; }
inline const ObjectKind& KindOf(const World& world, ObjectId object) { return KindOf(world.program->TypeOf(object)); }

// Whether what stands on a cell hides what is behind it.
inline bool IsOpaque(const World& world, CellCode code) {
  const GameProgram& program = *world.program;
  if (program.IsStatic(code)) return program.StaticOf(code).opaque;
  if (!program.IsObject(code)) return false;
  const ObjectKind& kind = KindOf(world, program.ObjectOf(code));
  return kind.is_opaque != nullptr && kind.is_opaque(world, program.ObjectOf(code));
}

template <class Rules>
const Rules& RulesOf(const World& world, ObjectId object) {
  return *std::get_if<Rules>(&world.program->TypeOf(object).rules);
}

}  // namespace mettagrid
