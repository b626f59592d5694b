#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "learn/gemm.h"

namespace mettagrid::learn {

// Two layers without relu that read the same: their weights stand below each other in one product.
struct HeadsLayer {
  std::span<const float> actor_weight;   // [actions, inputs]
  std::span<const float> actor_bias;     // [actions]
  std::span<const float> critic_weight;  // [1, inputs]
  std::span<const float> critic_bias;    // [1]
  std::int64_t inputs;
  std::int64_t actions;
  std::span<float> logits;  // [B, actions]
  std::span<float> values;  // [B]
};

// Both heads as one product, ready for rows of features.
class JointHeads {
 public:
  static constexpr std::int64_t kMostRows = 48;  // at a time; a multiple of those that a product holds in registers

  explicit JointHeads(const HeadsLayer& heads);

  std::size_t ScratchSize() const { return static_cast<std::size_t>(kMostRows * outputs_); }

  // Logits and values of the rows [first, first + rows), whose features are `x`.
  void Run(const float* x, std::int64_t first, std::int64_t rows, float* scratch) const;

 private:
  HeadsLayer heads_;
  std::int64_t outputs_;
  PackedMatrix weights_;
  std::vector<float> bias_;
};

// logits and values of x [B, inputs]. Bits do not depend on num_threads.
void JointHeadsForward(const HeadsLayer& heads, std::span<const float> x, int num_threads);

}  // namespace mettagrid::learn
