#pragma once

#include <cstdint>
#include <span>

namespace mettagrid::learn {

// Attention of a few queries to the tokens of each observation, with the keys' and values' projections left to the
// caller: queries score the normalised tokens themselves, and what comes out is their mean by attention.
struct LatentReadShape {
  std::int64_t num_obs;     // N
  std::int64_t num_tokens;  // K
  std::int64_t num_reads;   // R: queries * heads
  std::int64_t width;       // C of a token
  bool shared;              // all observations have the same queries
  float eps;                // of the layer norm
};

// out[n, r] = sum over k of softmax_k(reads[n, r] . t[n, k]) * t[n, k], where t is the token with mean 0 and variance 1
// over its width; tokens whose mask is 0 do not count, and without any the result is 0.
//   tokens [N, K, C], mask [N, K], reads [1 or N, R, C], out [N, R, C].
// Each observation is computed by one thread: bits do not depend on num_threads.
void LatentRead(const LatentReadShape& shape, std::span<const float> tokens, std::span<const std::uint8_t> mask,
                std::span<const float> reads, std::span<float> out, int num_threads);

// Overwrites grad_tokens [N, K, C] (0 where the mask is) and grad_reads [1 or N, R, C] with the gradients for grad_out
// [N, R, C]. Gradients of shared reads are summed up in parts whose number follows from N alone: bits do not depend on
// num_threads.
void LatentReadBackward(const LatentReadShape& shape, std::span<const float> tokens, std::span<const std::uint8_t> mask,
                        std::span<const float> reads, std::span<const float> grad_out, std::span<float> grad_tokens,
                        std::span<float> grad_reads, int num_threads);

}  // namespace mettagrid::learn
