#include "learn/latent_read.h"

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

constexpr std::int64_t kObsPerTask = 16;
constexpr std::int64_t kObsPerPart = 128;
constexpr std::int64_t kMostParts = 16;

// Sums over N successive lanes: sums[i] = sum over k of factors[k * factor_stride] * vectors[k * vector_stride + 16 i].
template <int N>
LEARN_INLINE void WeightedSum(const float* factors, std::int64_t factor_stride, const float* vectors,
                              std::int64_t vector_stride, std::int64_t count, Lane* sums) {
  Lane sum[N] = {};
  for (std::int64_t k = 0; k < count; ++k) {
    const float factor = factors[k * factor_stride];
#pragma GCC unroll 4
    for (int i = 0; i < N; ++i) sum[i] += factor * *LaneAt(vectors + k * vector_stride + i * kLane);
  }
  for (int i = 0; i < N; ++i) sums[i] = sum[i];
}

// out[i, :] (+)= sum over k of a[i * a_row + k * a_column] * b[k, :], for `rows` rows i; b and out are `width` wide, a
// multiple of sixteen. Two rows at a time, so that sums do not wait for each other.
template <bool kAdd>
LEARN_INLINE void Product(const float* a, std::int64_t a_row, std::int64_t a_column, std::int64_t rows,
                          std::int64_t depth, const float* b, std::int64_t width, float* out) {
  for (std::int64_t c = 0; c < width; c += kLane) {
    std::int64_t i = 0;
    for (; i + 4 <= rows; i += 4) {
      Lane sum[4] = {};
      const float* at = a + i * a_row;
      for (std::int64_t k = 0; k < depth; ++k, at += a_column) {
        const Lane vector = *LaneAt(b + k * width + c);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) sum[j] += at[j * a_row] * vector;
      }
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        Lane* to = LaneAt(out + (i + j) * width + c);
        *to = kAdd ? *to + sum[j] : sum[j];
      }
    }
    for (; i < rows; ++i) {
      Lane sum[1];
      WeightedSum<1>(a + i * a_row, a_column, b + c, width, depth, sum);
      Lane* to = LaneAt(out + i * width + c);
      *to = kAdd ? *to + sum[0] : sum[0];
    }
  }
}

// What one observation is worked out in. Widths are rounded up to lanes, and what is beyond the real width is 0.
struct Space {
  explicit Space(const LatentReadShape& shape)
      : width(RoundUpToLanes(shape.width)),
        reads(RoundUpToLanes(shape.num_reads)),
        normal(Size(shape.num_tokens * width)),
        inverse(Size(shape.num_tokens)),
        scores(Size(shape.num_tokens * reads)),
        slopes(Size(shape.num_tokens * reads)),
        by_read(Size(reads * width)),
        by_column(Size(width * reads)),
        grad_by_read(Size(reads * width)),
        grad_by_column(Size(width * reads)),
        grad(Size(std::max(shape.num_tokens, reads) * width)),
        used(Size(shape.num_tokens)) {}

  static std::size_t Size(std::int64_t size) { return static_cast<std::size_t>(size); }

  std::int64_t width;
  std::int64_t reads;
  std::vector<float> normal;          // [used, width]
  std::vector<float> inverse;         // [used]: one over the token's deviation
  std::vector<float> scores;          // [used, reads], later the attention
  std::vector<float> slopes;          // [used, reads]: gradient of the scores
  std::vector<float> by_read;         // [reads, width]
  std::vector<float> by_column;       // [width, reads]
  std::vector<float> grad_by_read;    // [reads, width]
  std::vector<float> grad_by_column;  // [width, reads]
  std::vector<float> grad;            // [used, width] or [reads, width]
  std::vector<std::int32_t> used;     // tokens that count
  std::int64_t count = 0;
};

// `from` [reads, width] both ways round, filled up with zeros.
void LayOut(const float* from, const LatentReadShape& shape, const Space& space, float* by_read, float* by_column) {
  for (std::int64_t r = 0; r < shape.num_reads; ++r) {
    for (std::int64_t c = 0; c < shape.width; ++c) {
      const float value = from[r * shape.width + c];
      if (by_read != nullptr) by_read[r * space.width + c] = value;
      by_column[c * space.reads + r] = value;
    }
  }
}

LEARN_INLINE void Normalise(const LatentReadShape& shape, const float* tokens, const std::uint8_t* mask, Space& space) {
  space.count = 0;
  const auto width = static_cast<float>(shape.width);
  for (std::int64_t k = 0; k < shape.num_tokens; ++k) {
    if (mask[k] == 0) continue;
    const float* token = tokens + k * shape.width;
    float* normal = space.normal.data() + space.count * space.width;
    for (std::int64_t c = 0; c < shape.width; ++c) normal[c] = token[c];
    Lane sum = {};
    for (std::int64_t c = 0; c < space.width; c += kLane) sum += *LaneAt(normal + c);
    const float mean = SumOf(sum) / width;
    for (std::int64_t c = 0; c < shape.width; ++c) normal[c] -= mean;
    Lane squares = {};
    for (std::int64_t c = 0; c < space.width; c += kLane) squares += *LaneAt(normal + c) * *LaneAt(normal + c);
    const float inverse = 1.0F / std::sqrt(SumOf(squares) / width + shape.eps);
    for (std::int64_t c = 0; c < space.width; c += kLane) *LaneAt(normal + c) *= inverse;
    space.inverse[static_cast<std::size_t>(space.count)] = inverse;
    space.used[static_cast<std::size_t>(space.count++)] = static_cast<std::int32_t>(k);
  }
}

// Softmax over the used tokens, for sixteen reads at a time.
LEARN_INLINE void Attend(Space& space) {
  for (std::int64_t r = 0; r < space.reads; r += kLane) {
    float* scores = space.scores.data() + r;
    Lane largest = *LaneAt(scores);
    for (std::int64_t k = 1; k < space.count; ++k) {
      const Lane score = *LaneAt(scores + k * space.reads);
      largest = score > largest ? score : largest;
    }
    Lane total = {};
    for (std::int64_t k = 0; k < space.count; ++k) {
      Lane score = *LaneAt(scores + k * space.reads) - largest;
      Exponentiate(score);
      *LaneAt(scores + k * space.reads) = score;
      total += score;
    }
    const Lane share = 1.0F / total;
    for (std::int64_t k = 0; k < space.count; ++k) *LaneAt(scores + k * space.reads) *= share;
  }
}

// Attention of one observation, left in space.scores. The reads stand in space.by_column.
LEARN_INLINE void Score(const LatentReadShape& shape, const float* tokens, const std::uint8_t* mask, Space& space) {
  Normalise(shape, tokens, mask, space);
  Product<false>(space.normal.data(), space.width, 1, space.count, shape.width, space.by_column.data(), space.reads,
                 space.scores.data());
  if (space.count > 0) Attend(space);
}

LEARN_CLONES void ReadOne(const LatentReadShape& shape, const float* tokens, const std::uint8_t* mask, Space& space,
                          float* out) {
  Score(shape, tokens, mask, space);
  Product<false>(space.scores.data(), 1, space.reads, shape.num_reads, space.count, space.normal.data(), space.width,
                 space.grad.data());
  for (std::int64_t r = 0; r < shape.num_reads; ++r) {
    for (std::int64_t c = 0; c < shape.width; ++c)
      out[r * shape.width + c] = space.grad[Space::Size(r * space.width + c)];
  }
}

// Gradient through the layer norm of used token `index`; `grad` holds that of the normalised token.
LEARN_INLINE void LeaveNorm(const LatentReadShape& shape, const Space& space, std::int64_t index, const float* grad,
                            float* out) {
  const float* normal = space.normal.data() + index * space.width;
  Lane sum = {};
  Lane along = {};
  for (std::int64_t c = 0; c < space.width; c += kLane) {
    sum += *LaneAt(grad + c);  // beyond the width it is 0
    along += *LaneAt(grad + c) * *LaneAt(normal + c);
  }
  const auto width = static_cast<float>(shape.width);
  const float mean = SumOf(sum) / width;
  const float slope = SumOf(along) / width;
  const float inverse = space.inverse[static_cast<std::size_t>(index)];
  for (std::int64_t c = 0; c < shape.width; ++c) out[c] = inverse * (grad[c] - mean - normal[c] * slope);
}

// Gradients of one observation; that of the reads is added to grad_reads [reads, width].
LEARN_CLONES void BackwardOne(const LatentReadShape& shape, const float* tokens, const std::uint8_t* mask, Space& space,
                              float* grad_tokens, float* grad_reads) {
  std::fill(grad_tokens, grad_tokens + shape.num_tokens * shape.width, 0.0F);
  Score(shape, tokens, mask, space);
  if (space.count == 0) return;
  const float* normal = space.normal.data();
  float* slopes = space.slopes.data();
  Product<false>(normal, space.width, 1, space.count, shape.width, space.grad_by_column.data(), space.reads, slopes);
  for (std::int64_t r = 0; r < space.reads; r += kLane) {  // through the softmax
    const float* attention = space.scores.data() + r;
    Lane mean = {};
    for (std::int64_t k = 0; k < space.count; ++k) {
      mean += *LaneAt(attention + k * space.reads) * *LaneAt(slopes + r + k * space.reads);
    }
    for (std::int64_t k = 0; k < space.count; ++k) {
      Lane* slope = LaneAt(slopes + r + k * space.reads);
      *slope = *LaneAt(attention + k * space.reads) * (*slope - mean);
    }
  }
  Product<true>(slopes, 1, space.reads, shape.num_reads, space.count, normal, space.width, grad_reads);
  float* grad = space.grad.data();
  Product<false>(space.scores.data(), space.reads, 1, space.count, shape.num_reads, space.grad_by_read.data(),
                 space.width, grad);
  Product<true>(slopes, space.reads, 1, space.count, shape.num_reads, space.by_read.data(), space.width, grad);
  for (std::int64_t k = 0; k < space.count; ++k) {
    const std::int64_t token = space.used[static_cast<std::size_t>(k)];
    LeaveNorm(shape, space, k, grad + k * space.width, grad_tokens + token * shape.width);
  }
}

int UsefulThreads(int wanted, std::int64_t tasks) {
  return static_cast<int>(std::max<std::int64_t>(std::min<std::int64_t>(wanted, tasks), 1));
}

}  // namespace

void LatentRead(const LatentReadShape& shape, std::span<const float> tokens, std::span<const std::uint8_t> mask,
                std::span<const float> reads, std::span<float> out, int num_threads) {
  const std::int64_t size = shape.num_reads * shape.width;
  std::atomic<std::int64_t> next{0};
  RunOnThreads(UsefulThreads(num_threads, shape.num_obs / kObsPerTask), [&](int) {
    Space space(shape);
    if (shape.shared) LayOut(reads.data(), shape, space, nullptr, space.by_column.data());
    while (true) {
      const std::int64_t first = next.fetch_add(kObsPerTask, std::memory_order_relaxed);
      if (first >= shape.num_obs) break;
      for (std::int64_t n = first; n < std::min(first + kObsPerTask, shape.num_obs); ++n) {
        if (!shape.shared) LayOut(reads.data() + n * size, shape, space, nullptr, space.by_column.data());
        ReadOne(shape, tokens.data() + n * shape.num_tokens * shape.width, mask.data() + n * shape.num_tokens, space,
                out.data() + n * size);
      }
    }
  });
}

void LatentReadBackward(const LatentReadShape& shape, std::span<const float> tokens, std::span<const std::uint8_t> mask,
                        std::span<const float> reads, std::span<const float> grad_out, std::span<float> grad_tokens,
                        std::span<float> grad_reads, int num_threads) {
  const std::int64_t size = shape.num_reads * shape.width;
  const std::int64_t padded = shape.num_reads * RoundUpToLanes(shape.width);
  const std::int64_t parts = std::clamp<std::int64_t>(shape.num_obs / kObsPerPart, 1, kMostParts);
  std::vector<float> sums(static_cast<std::size_t>(padded * parts));
  const auto store = [&shape](const float* from, float* to) {
    for (std::int64_t r = 0; r < shape.num_reads; ++r) {
      std::copy_n(from + r * RoundUpToLanes(shape.width), shape.width, to + r * shape.width);
    }
  };
  std::atomic<std::int64_t> next{0};
  RunOnThreads(UsefulThreads(num_threads, parts), [&](int) {
    Space space(shape);
    const auto lay_out = [&](const float* from) {
      LayOut(from, shape, space, space.by_read.data(), space.by_column.data());
    };
    if (shape.shared) lay_out(reads.data());
    for (std::int64_t part = next++; part < parts; part = next++) {
      float* sum = sums.data() + part * padded;
      const std::int64_t last = shape.num_obs * (part + 1) / parts;
      for (std::int64_t n = shape.num_obs * part / parts; n < last; ++n) {
        if (!shape.shared) lay_out(reads.data() + n * size);
        LayOut(grad_out.data() + n * size, shape, space, space.grad_by_read.data(), space.grad_by_column.data());
        if (!shape.shared) std::fill(sum, sum + padded, 0.0F);
        BackwardOne(shape, tokens.data() + n * shape.num_tokens * shape.width, mask.data() + n * shape.num_tokens,
                    space, grad_tokens.data() + n * shape.num_tokens * shape.width, sum);
        if (!shape.shared) store(sum, grad_reads.data() + n * size);
      }
    }
  });
  if (!shape.shared) return;
  for (std::int64_t part = 1; part < parts; ++part) {
    for (std::int64_t i = 0; i < padded; ++i) sums[Space::Size(i)] += sums[Space::Size(part * padded + i)];
  }
  store(sums.data(), grad_reads.data());
}

}  // namespace mettagrid::learn
