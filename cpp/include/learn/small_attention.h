#pragma once

#include <cstdint>
#include <span>

namespace mettagrid::learn {

struct SmallAttentionShape {
  std::int64_t num_obs;      // N
  std::int64_t num_queries;  // Q
  std::int64_t num_keys;     // K
  std::int64_t num_heads;
  std::int64_t query_width;  // of all heads together
  std::int64_t value_width;  // of all heads together
};

// Scaled dot-product attention among a few vectors, all heads next to each other as linear layers leave them:
//   out[n, q, head] = sum over k of softmax_k(queries[n, q, head] . keys[n, k, head] / sqrt(d)) * values[n, k, head]
//   queries [N, Q, query_width], keys_values [N, K, query_width + value_width], out [N, Q, value_width].
// Each observation is computed by one thread: bits do not depend on num_threads.
void SmallAttention(const SmallAttentionShape& shape, std::span<const float> queries,
                    std::span<const float> keys_values, std::span<float> out, int num_threads);

// Overwrites grad_queries and grad_keys_values with the gradients for grad_out [N, Q, value_width].
void SmallAttentionBackward(const SmallAttentionShape& shape, std::span<const float> queries,
                            std::span<const float> keys_values, std::span<const float> grad_out,
                            std::span<float> grad_queries, std::span<float> grad_keys_values, int num_threads);

}  // namespace mettagrid::learn
