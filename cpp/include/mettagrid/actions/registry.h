#pragma once

#include <array>
#include <cstdint>

#include "mettagrid/core/outcome.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// Families of an earlier phase act before all others of a step. Attacks come first. What opens a way comes last, so
// that nobody can walk it in that step: the masks had ruled that out.
enum class Phase : std::uint8_t { kAttacks, kMain, kOpenings };

// What a family of actions does. One line each in registry.cpp, in the order of ActionKind.
struct ActionRules {
  Phase phase = Phase::kMain;
  // Happens even when the agent cannot afford the action; null for none.
  void (*prepare)(const World& world, AgentId agent, std::uint8_t argument) = nullptr;
  // The agent is here, not frozen, and holds what the family needs. The cost is paid by the caller on kDone.
  Outcome (*act)(const World& world, AgentId agent, const ActionFamily& family, std::uint8_t argument) = nullptr;
  // Which arguments would succeed, were they the first action of the next step: flags [family.count].
  void (*mask)(const World& world, AgentId agent, const ActionFamily& family, bool* allowed) = nullptr;
};

extern const std::array<ActionRules, kNumActionKinds> kActionRules;  // in the order of ActionKind

inline const ActionRules& RulesOf(ActionKind kind) { return kActionRules[static_cast<std::size_t>(kind)]; }

}  // namespace mettagrid
