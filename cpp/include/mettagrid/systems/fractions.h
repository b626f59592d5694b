#pragma once

#include <cstdint>

#include "mettagrid/core/rng.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// The agent's own random words of this step.
inline RandomStream StreamOf(const World& world, Purpose purpose, AgentId agent) {
  const WorldHeader& header = world.header();
  return RandomStream(header.seed, header.env, header.episode, header.step, purpose, agent.value);
}

// Whole units of an amount in 2^-32 units: its fraction becomes one more unit with that probability.
inline std::uint64_t DrawWhole(std::uint64_t amount, RandomStream& random) {
  const auto fraction = static_cast<std::uint32_t>(amount);
  return (amount >> 32) + (fraction > 0 && random.Next() < fraction ? 1 : 0);
}

}  // namespace mettagrid
