#include "learn/sample_actions.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <vector>

#include "learn/clones.h"

namespace mettagrid::learn {
namespace {

constexpr float kMasked = -1.0e30F;  // far below any logit; its weight is 0

// exp(x) for x <= 0, within 2 units in the last place; 0 below -87. Plain arithmetic, so that loops over it vectorise.
//   x = n ln 2 + r with |r| <= ln 2 / 2; exp(r) by its Taylor polynomial; 2^n by the exponent's bits.
inline float ExpOfNegative(float x) {
  const float clamped = std::max(x, -87.0F);
  constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const float shifted = clamped * 1.44269504F + kRounder;
  const float n = shifted - kRounder;
  const float r = (clamped - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.98412698e-4F;
  p = p * r + 1.38888889e-3F;
  p = p * r + 8.33333333e-3F;
  p = p * r + 4.16666667e-2F;
  p = p * r + 1.66666667e-1F;
  p = p * r + 0.5F;
  p = p * r * r + r + 1.0F;
  const auto exponent = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) + 127) << 23;
  return x < -87.0F ? 0.0F : p * std::bit_cast<float>(exponent);
}

LEARN_CLONES void Weigh(const float* logits, float largest, std::size_t count, float* weights) {
  for (std::size_t a = 0; a < count; ++a) weights[a] = ExpOfNegative(logits[a] - largest);
}

}  // namespace

void SampleActions(std::span<const float> logits, std::span<const std::uint8_t> mask, std::span<const float> draws,
                   std::span<std::int64_t> actions, std::span<float> log_probs) {
  if (actions.empty()) return;
  const std::size_t num_actions = logits.size() / actions.size();
  std::vector<float> allowed(num_actions);
  std::vector<float> weights(num_actions);
  for (std::size_t row = 0; row < actions.size(); ++row) {
    const float* row_logits = logits.data() + row * num_actions;
    if (!mask.empty()) {
      const std::uint8_t* row_mask = mask.data() + row * num_actions;
      if (std::any_of(row_mask, row_mask + num_actions, [](std::uint8_t bit) { return bit != 0; })) {
        for (std::size_t a = 0; a < num_actions; ++a) allowed[a] = row_mask[a] != 0 ? row_logits[a] : kMasked;
        row_logits = allowed.data();
      }
    }
    const float largest = *std::max_element(row_logits, row_logits + num_actions);
    Weigh(row_logits, largest, num_actions, weights.data());
    float total = 0.0F;
    for (const float weight : weights) total += weight;
    // Since a draw is below 1, draw * total is below total even when rounded: the sum must exceed it at an action whose
    // own weight is above 0. Only logits that are not numbers leave the loop without one.
    const float threshold = draws[row] * total;
    float sum = 0.0F;
    std::size_t chosen = 0;
    for (std::size_t a = 0; a < num_actions; ++a) {
      sum += weights[a];
      if (sum > threshold) {
        chosen = a;
        break;
      }
    }
    actions[row] = static_cast<std::int64_t>(chosen);
    log_probs[row] = (row_logits[chosen] - largest) - static_cast<float>(std::log(static_cast<double>(total)));
  }
}

}  // namespace mettagrid::learn
