#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mettagrid::learn {

// Rollouts of `rows` agents over `horizon` steps, row-major [rows, horizon].
//
// Column t belongs to the action taken at t: `rewards` is what it earned, `terminated` and `truncated` say whether the
// episode ended with it. `values` is V of the observation the action was chosen on; V of the one it led to is
// values[t + 1], or `bootstrap` [rows] after the last column. After a truncated step that is the final observation.
struct RolloutView {
  std::size_t rows = 0;
  std::size_t horizon = 0;
  std::span<const float> values;
  std::span<const float> rewards;
  std::span<const std::uint8_t> terminated;
  std::span<const std::uint8_t> truncated;
  std::span<const float> bootstrap;
};

// Generalised advantage estimates, arXiv:1506.02438 eq. 16, written to `advantages` [rows, horizon].
// Termination cuts value and sum, truncation cuts the sum only.
void ComputeGae(const RolloutView& rollout, float gamma, float gae_lambda, std::span<float> advantages);

}  // namespace mettagrid::learn
