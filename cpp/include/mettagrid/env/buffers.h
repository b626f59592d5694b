#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mettagrid/objects/game_program.h"

namespace mettagrid {

// Bytes of one agent's observation.
inline std::size_t ObservationBytes(const GameProgram& program) {
  return static_cast<std::size_t>(program.obs.num_tokens) * 3;
}

// Where a batch writes what its agents get; owned by the caller. B rows = environments x agents, A actions.
struct Buffers {
  std::span<std::uint8_t> observations;  // [B, num_tokens, 3]
  std::span<float> rewards;              // [B]
  std::span<bool> terminated;            // [B]
  std::span<bool> truncated;             // [B]
  std::span<bool> first;                 // [B]
  std::span<bool> action_mask;           // [B, A]
  std::span<bool> action_success;        // [B]
  std::span<std::uint16_t> used_tokens;  // [B]

  // Like observations: how episodes ended, where the next one begins in the same step. Empty in next-step mode.
  std::span<std::uint8_t> final_observations;

  // The rows [begin, begin + count) of games like `program`.
  Buffers Rows(std::size_t begin, std::size_t count, const GameProgram& program) const {
    const std::size_t obs = ObservationBytes(program);
    const bool same_step = !final_observations.empty();
    const std::size_t actions = program.num_actions();
    return {observations.subspan(begin * obs, count * obs),
            rewards.subspan(begin, count),
            terminated.subspan(begin, count),
            truncated.subspan(begin, count),
            first.subspan(begin, count),
            action_mask.subspan(begin * actions, count * actions),
            action_success.subspan(begin, count),
            used_tokens.subspan(begin, count),
            same_step ? final_observations.subspan(begin * obs, count * obs) : final_observations};
  }
};

}  // namespace mettagrid
