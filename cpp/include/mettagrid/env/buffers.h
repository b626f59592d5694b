#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mettagrid/env/game.h"

namespace mettagrid {

// Where a batch writes what its agents get; owned by the caller. B rows = environments x agents, A actions.
struct Buffers {
  std::span<std::uint8_t> observations;  // [B, num_tokens, 3] or [B, channels, height, width]
  std::span<float> rewards;              // [B]
  std::span<bool> terminated;            // [B]
  std::span<bool> truncated;             // [B]
  std::span<bool> first;                 // [B]
  std::span<bool> action_mask;           // [B, A]
  std::span<bool> action_success;        // [B]
  std::span<std::uint16_t> used_tokens;  // [B]
  std::span<std::uint8_t> state;         // [environments, channels, map height, map width]; empty without global state

  // Like observations: how episodes ended, where the next one begins in the same step. Empty in next-step mode.
  std::span<std::uint8_t> final_observations;
  std::span<std::uint8_t> final_state;  // like state, in the same mode

  // The part of environment `env` in a batch of games like `game`.
  Buffers Of(std::size_t env, const Game& game) const {
    const std::size_t count = game.program.num_agents;
    const std::size_t begin = env * count;
    const std::size_t obs = game.program.obs.num_bytes();
    const bool same_step = !final_observations.empty();
    const std::size_t actions = game.program.num_actions();
    const std::size_t state_bytes = game.state.buffer_bytes();
    return {observations.subspan(begin * obs, count * obs),
            rewards.subspan(begin, count),
            terminated.subspan(begin, count),
            truncated.subspan(begin, count),
            first.subspan(begin, count),
            action_mask.subspan(begin * actions, count * actions),
            action_success.subspan(begin, count),
            used_tokens.subspan(begin, count),
            state.subspan(env * state_bytes, state_bytes),
            same_step ? final_observations.subspan(begin * obs, count * obs) : final_observations,
            same_step ? final_state.subspan(env * state_bytes, state_bytes) : final_state};
  }
};

}  // namespace mettagrid
