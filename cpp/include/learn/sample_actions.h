#pragma once

#include <cstdint>
#include <span>

namespace mettagrid::learn {

// Draws an action from each row's masked softmax by inverse CDF, with one uniform number in [0, 1) a row: the first
// action whose cumulated weight exceeds draw * total. Also writes its log-probability.
//   logits [B, A], mask [B, A] (nonzero = allowed; empty = all allowed), draws [B], actions [B], log_probs [B].
// A row that allows nothing is taken as if it allowed everything. No libm in the sums: bits do not depend on the
// platform.
void SampleActions(std::span<const float> logits, std::span<const std::uint8_t> mask, std::span<const float> draws,
                   std::span<std::int64_t> actions, std::span<float> log_probs);

}  // namespace mettagrid::learn
