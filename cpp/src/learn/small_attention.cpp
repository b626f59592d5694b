#include "learn/small_attention.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <vector>

#include "learn/clones.h"
#include "learn/lanes.h"
#include "learn/parallel.h"

namespace mettagrid::learn {
namespace {

constexpr std::int64_t kObsPerTask = 32;

LEARN_INLINE float Dot(const float* a, const float* b, std::int64_t size) {
  Lane sum = {};
  std::int64_t i = 0;
  for (; i + kLane <= size; i += kLane) sum += *LaneAt(a + i) * *LaneAt(b + i);
  float rest = 0.0F;
  for (; i < size; ++i) rest += a[i] * b[i];
  return SumOf(sum) + rest;
}

// to += factor * from.
LEARN_INLINE void AddScaled(float factor, const float* from, std::int64_t size, float* to) {
  std::int64_t i = 0;
  for (; i + kLane <= size; i += kLane) *LaneAt(to + i) += factor * *LaneAt(from + i);
  for (; i < size; ++i) to[i] += factor * from[i];
}

// One head of one observation: where its vectors begin, and how far apart they are.
struct Head {
  const float* queries;
  const float* keys;
  const float* values;
  std::int64_t query_step;
  std::int64_t key_step;  // of keys and values
  std::int64_t query_size;
  std::int64_t value_size;
};

Head HeadOf(const SmallAttentionShape& shape, const float* queries, const float* keys_values, std::int64_t head) {
  const std::int64_t query_size = shape.query_width / shape.num_heads;
  const std::int64_t value_size = shape.value_width / shape.num_heads;
  return {.queries = queries + head * query_size,
          .keys = keys_values + head * query_size,
          .values = keys_values + shape.query_width + head * value_size,
          .query_step = shape.query_width,
          .key_step = shape.query_width + shape.value_width,
          .query_size = query_size,
          .value_size = value_size};
}

// What query `q` of a head pays to each key, written to attention [keys, rounded up to lanes].
LEARN_INLINE void Attend(const Head& head, std::int64_t q, std::int64_t num_keys, float scale, float* attention) {
  const float* query = head.queries + q * head.query_step;
  float largest = -INFINITY;
  for (std::int64_t k = 0; k < num_keys; ++k) {
    attention[k] = scale * Dot(query, head.keys + k * head.key_step, head.query_size);
    largest = attention[k] > largest ? attention[k] : largest;
  }
  for (std::int64_t k = 0; k < num_keys; k += kLane) {
    Lane weights = *LaneAt(attention + k) - largest;
    Exponentiate(weights);
    *LaneAt(attention + k) = weights;
  }
  float total = 0.0F;
  for (std::int64_t k = 0; k < num_keys; ++k) total += attention[k];
  const float share = 1.0F / total;
  for (std::int64_t k = 0; k < num_keys; ++k) attention[k] *= share;
}

LEARN_CLONES void ForwardOne(const SmallAttentionShape& shape, const float* queries, const float* keys_values,
                             float* attention, float* out) {
  const float scale = 1.0F / std::sqrt(static_cast<float>(shape.query_width / shape.num_heads));
  std::fill(out, out + shape.num_queries * shape.value_width, 0.0F);
  for (std::int64_t h = 0; h < shape.num_heads; ++h) {
    const Head head = HeadOf(shape, queries, keys_values, h);
    for (std::int64_t q = 0; q < shape.num_queries; ++q) {
      Attend(head, q, shape.num_keys, scale, attention);
      float* row = out + q * shape.value_width + h * head.value_size;
      for (std::int64_t k = 0; k < shape.num_keys; ++k) {
        AddScaled(attention[k], head.values + k * head.key_step, head.value_size, row);
      }
    }
  }
}

LEARN_CLONES void BackwardOne(const SmallAttentionShape& shape, const float* queries, const float* keys_values,
                              const float* grad_out, float* attention, float* slopes, float* grad_queries,
                              float* grad_keys_values) {
  const float scale = 1.0F / std::sqrt(static_cast<float>(shape.query_width / shape.num_heads));
  std::fill(grad_queries, grad_queries + shape.num_queries * shape.query_width, 0.0F);
  std::fill(grad_keys_values, grad_keys_values + shape.num_keys * (shape.query_width + shape.value_width), 0.0F);
  for (std::int64_t h = 0; h < shape.num_heads; ++h) {
    const Head head = HeadOf(shape, queries, keys_values, h);
    float* grad_keys = grad_keys_values + (head.keys - keys_values);
    float* grad_values = grad_keys_values + (head.values - keys_values);
    for (std::int64_t q = 0; q < shape.num_queries; ++q) {
      Attend(head, q, shape.num_keys, scale, attention);
      const float* query = head.queries + q * head.query_step;
      const float* grad = grad_out + q * shape.value_width + h * head.value_size;
      float mean = 0.0F;
      for (std::int64_t k = 0; k < shape.num_keys; ++k) {
        slopes[k] = Dot(grad, head.values + k * head.key_step, head.value_size);
        mean += attention[k] * slopes[k];
      }
      for (std::int64_t k = 0; k < shape.num_keys; ++k) {
        const std::int64_t at = k * head.key_step;
        const float slope = scale * attention[k] * (slopes[k] - mean);
        AddScaled(attention[k], grad, head.value_size, grad_values + at);
        AddScaled(slope, query, head.query_size, grad_keys + at);
        AddScaled(slope, head.keys + at, head.query_size, grad_queries + (query - queries));
      }
    }
  }
}

// Calls work(n, attention, slopes) for all observations; the two are scratch.
template <typename Work>
void ForObservations(const SmallAttentionShape& shape, int num_threads, const Work& work) {
  const std::int64_t tasks = std::max<std::int64_t>(shape.num_obs / kObsPerTask, 1);
  std::atomic<std::int64_t> next{0};
  RunOnThreads(static_cast<int>(std::min<std::int64_t>(std::max(num_threads, 1), tasks)), [&](int) {
    const auto size = static_cast<std::size_t>(RoundUpToLanes(shape.num_keys));
    std::vector<float> attention(size);
    std::vector<float> slopes(size);
    while (true) {
      const std::int64_t first = next.fetch_add(kObsPerTask, std::memory_order_relaxed);
      if (first >= shape.num_obs) break;
      const std::int64_t last = std::min(first + kObsPerTask, shape.num_obs);
      for (std::int64_t n = first; n < last; ++n) work(n, attention.data(), slopes.data());
    }
  });
}

}  // namespace

void SmallAttention(const SmallAttentionShape& shape, std::span<const float> queries,
                    std::span<const float> keys_values, std::span<float> out, int num_threads) {
  const std::int64_t of_queries = shape.num_queries * shape.query_width;
  const std::int64_t of_keys = shape.num_keys * (shape.query_width + shape.value_width);
  ForObservations(shape, num_threads, [&](std::int64_t n, float* attention, float*) {
    ForwardOne(shape, queries.data() + n * of_queries, keys_values.data() + n * of_keys, attention,
               out.data() + n * shape.num_queries * shape.value_width);
  });
}

void SmallAttentionBackward(const SmallAttentionShape& shape, std::span<const float> queries,
                            std::span<const float> keys_values, std::span<const float> grad_out,
                            std::span<float> grad_queries, std::span<float> grad_keys_values, int num_threads) {
  const std::int64_t of_queries = shape.num_queries * shape.query_width;
  const std::int64_t of_keys = shape.num_keys * (shape.query_width + shape.value_width);
  ForObservations(shape, num_threads, [&](std::int64_t n, float* attention, float* slopes) {
    BackwardOne(shape, queries.data() + n * of_queries, keys_values.data() + n * of_keys,
                grad_out.data() + n * shape.num_queries * shape.value_width, attention, slopes,
                grad_queries.data() + n * of_queries, grad_keys_values.data() + n * of_keys);
  });
}

}  // namespace mettagrid::learn
