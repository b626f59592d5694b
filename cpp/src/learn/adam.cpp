#include "learn/adam.h"

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

constexpr std::int64_t kChunk = 16384;  // numbers that a thread takes at once
constexpr std::int64_t kBlock = 128;    // numbers that are passed over together
constexpr std::int64_t kNumbersPerThread = 16384;
constexpr float kFadedFirst = 1.0e-30F;
constexpr float kFadedSecond = 1.0e-36F;

using HalfLane = float __attribute__((vector_size(32), aligned(4), may_alias));
using DoubleLane = double __attribute__((vector_size(64)));
constexpr std::int64_t kHalf = kLane / 2;

struct Chunk {
  std::size_t tensor;
  std::int64_t first;
  std::int64_t count;
};

// The numbers of tensors cut into chunks, and the chunks dealt to threads: each gets about as many numbers, side by
// side.
class Chunks {
 public:
  template <typename Tensors, typename SizeOf>
  Chunks(const Tensors& tensors, const SizeOf& size_of) {
    for (std::size_t tensor = 0; tensor < tensors.size(); ++tensor) {
      const std::int64_t size = size_of(tensors[tensor]);
      for (std::int64_t first = 0; first < size; first += kChunk) {
        chunks_.push_back({tensor, first, std::min(kChunk, size - first)});
      }
      total_ += size;
    }
  }

  std::size_t Count() const { return chunks_.size(); }

  // Calls work(chunk, its number) for all of them.
  template <typename Work>
  void ForEach(int num_threads, const Work& work) const {
    const auto useful = std::min<std::int64_t>(num_threads, (total_ + kNumbersPerThread - 1) / kNumbersPerThread);
    const auto threads = static_cast<int>(std::max<std::int64_t>(useful, 1));
    std::atomic<std::size_t> next{0};
    RunOnThreads(threads, [&](int /*thread*/) {
      for (std::size_t i = next.fetch_add(1); i < chunks_.size(); i = next.fetch_add(1)) work(chunks_[i], i);
    });
  }

 private:
  std::vector<Chunk> chunks_;
  std::int64_t total_ = 0;
};

LEARN_INLINE void AddSquares(const float* at, DoubleLane& sum) {
  const auto wide = __builtin_convertvector(*reinterpret_cast<const HalfLane*>(at), DoubleLane);
  sum += wide * wide;
}

LEARN_CLONES double SumOfSquares(const float* values, std::int64_t count) {
  DoubleLane sums[4] = {};
  std::int64_t i = 0;
  for (; i + 4 * kHalf <= count; i += 4 * kHalf) {
    for (int part = 0; part < 4; ++part) AddSquares(values + i + part * kHalf, sums[part]);
  }
  double total = 0.0;
  for (; i < count; ++i) total += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  const DoubleLane sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (int lane = 0; lane < kHalf; ++lane) total += sum[lane];
  return total;
}

// Whether a block of gradient and both means holds nothing but zeros: rows of a table that nothing has looked up yet.
LEARN_INLINE bool IsUntouched(const float* gradient, const float* first, const float* second) {
  IntLane bits = {};
  for (std::int64_t i = 0; i < kBlock; i += kLane) {
    bits |= *reinterpret_cast<const IntLane*>(gradient + i) | *reinterpret_cast<const IntLane*>(first + i) |
            *reinterpret_cast<const IntLane*>(second + i);
  }
  std::int32_t any = 0;
  for (int lane = 0; lane < kLane; ++lane) any |= bits[lane];
  return any == 0;
}

LEARN_INLINE void StepNumber(const AdamFactors& f, float scale, float& weight, float& gradient, float& first,
                             float& second) {
  const float g = gradient * scale;
  gradient = g;
  const float pull = g + f.into_gradient * weight;
  const float mean = first + f.take_first * (pull - first);
  const float squares = f.keep_second * second + f.take_second * (pull * pull);
  const float m = std::fabs(mean) < kFadedFirst ? 0.0F : mean;
  const float faded = squares < kFadedSecond ? 0.0F : squares;
  const float v = m == 0.0F ? faded : squares;
  first = m;
  second = v;
  weight = weight * f.keep_weight - f.step_size * m / (std::sqrt(v) * f.correction + f.eps);
}

LEARN_CLONES void StepChunk(const AdamFactors& factors, float scale, float* __restrict weights,
                            float* __restrict gradient, float* __restrict first, float* __restrict second,
                            std::int64_t count) {
  const AdamFactors f = factors;
  // Such a block would stay as it is, unless its weights decay or everything is to become NaN.
  const bool may_pass = f.into_gradient == 0.0F && f.keep_weight == 1.0F && scale * 0.0F == 0.0F;
  std::int64_t i = 0;
  for (; i + kBlock <= count; i += kBlock) {
    if (may_pass && IsUntouched(gradient + i, first + i, second + i)) continue;
    for (std::int64_t j = i; j < i + kBlock; ++j) StepNumber(f, scale, weights[j], gradient[j], first[j], second[j]);
  }
  for (; i < count; ++i) StepNumber(f, scale, weights[i], gradient[i], first[i], second[i]);
}

}  // namespace

AdamFactors::AdamFactors(const AdamSettings& settings, double step)
    : take_first(static_cast<float>(1.0 - settings.beta1)),
      keep_second(static_cast<float>(settings.beta2)),
      take_second(static_cast<float>(1.0 - settings.beta2)),
      step_size(static_cast<float>(settings.lr / (1.0 - std::pow(settings.beta1, step)))),
      correction(static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(settings.beta2, step)))),
      eps(static_cast<float>(settings.eps)),
      into_gradient(settings.decoupled ? 0.0F : static_cast<float>(settings.weight_decay)),
      keep_weight(settings.decoupled ? static_cast<float>(1.0 - settings.lr * settings.weight_decay) : 1.0F) {}

double GradientNorm(std::span<const std::span<const float>> gradients, int num_threads) {
  const Chunks chunks(gradients, [](const std::span<const float>& gradient) { return std::ssize(gradient); });
  std::vector<double> sums(chunks.Count());
  chunks.ForEach(num_threads, [&](const Chunk& chunk, std::size_t number) {
    sums[number] = SumOfSquares(gradients[chunk.tensor].data() + chunk.first, chunk.count);
  });
  double total = 0.0;
  for (const double sum : sums) total += sum;
  return std::sqrt(total);
}

void AdamStep(std::span<const AdamTensor> tensors, float scale, int num_threads) {
  const Chunks chunks(tensors, [](const AdamTensor& tensor) { return tensor.size; });
  chunks.ForEach(num_threads, [&](const Chunk& chunk, std::size_t /*number*/) {
    const AdamTensor& tensor = tensors[chunk.tensor];
    StepChunk(tensor.factors, scale, tensor.weights + chunk.first, tensor.gradient + chunk.first,
              tensor.first + chunk.first, tensor.second + chunk.first, chunk.count);
  });
}

}  // namespace mettagrid::learn
