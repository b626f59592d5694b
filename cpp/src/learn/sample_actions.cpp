#include "learn/sample_actions.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "learn/clones.h"
#include "learn/vector_math.h"

namespace mettagrid::learn {
namespace {

constexpr float kMasked = -1.0e30F;  // far below any logit; its weight is 0
constexpr std::size_t kRowsPerBlock = 64;

LEARN_CLONES void Weigh(const float* distances, std::size_t count, float* weights) {
  for (std::size_t i = 0; i < count; ++i) weights[i] = ExpOfNegative(distances[i]);
}

// distances[a] = logit - largest allowed logit, far negative where masked out. `mask` may be null.
void Center(const float* logits, const std::uint8_t* mask, std::size_t count, float* distances) {
  std::uint8_t any = 0;
  if (mask != nullptr) {
    for (std::size_t a = 0; a < count; ++a) any = static_cast<std::uint8_t>(any | mask[a]);
  }
  float largest = kMasked;
  for (std::size_t a = 0; a < count; ++a) {
    distances[a] = any == 0 || mask[a] != 0 ? logits[a] : kMasked;
    largest = std::max(largest, distances[a]);
  }
  for (std::size_t a = 0; a < count; ++a) distances[a] -= largest;
}

}  // namespace

void SampleActions(std::span<const float> logits, std::span<const std::uint8_t> mask, std::span<const float> draws,
                   std::span<std::int64_t> actions, std::span<float> log_probs) {
  if (actions.empty()) return;
  const std::size_t width = logits.size() / actions.size();
  std::vector<float> distances(kRowsPerBlock * width);
  std::vector<float> weights(kRowsPerBlock * width);
  for (std::size_t first = 0; first < actions.size(); first += kRowsPerBlock) {
    const std::size_t rows = std::min(kRowsPerBlock, actions.size() - first);
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t start = (first + row) * width;
      Center(logits.data() + start, mask.empty() ? nullptr : mask.data() + start, width, &distances[row * width]);
    }
    Weigh(distances.data(), rows * width, weights.data());
    for (std::size_t row = 0; row < rows; ++row) {
      const float* weight = &weights[row * width];
      float total = 0.0F;
      for (std::size_t a = 0; a < width; ++a) total += weight[a];
      // Since a draw is below 1, draw * total is below total even when rounded, so the running sum exceeds it at an
      // action whose own weight is above 0. That action's index is the number of sums that do not exceed it. Only
      // logits that are not numbers leave no such action.
      const float threshold = draws[first + row] * total;
      float sum = 0.0F;
      std::size_t chosen = 0;
      for (std::size_t a = 0; a < width; ++a) {
        sum += weight[a];
        chosen += static_cast<std::size_t>(sum <= threshold);
      }
      chosen = std::min(chosen, width - 1);
      actions[first + row] = static_cast<std::int64_t>(chosen);
      log_probs[first + row] =
          distances[row * width + chosen] - static_cast<float>(std::log(static_cast<double>(total)));
    }
  }
}

}  // namespace mettagrid::learn
