#include "learn/categorical.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "learn/clones.h"
#include "learn/parallel.h"
#include "learn/vector_math.h"

namespace mettagrid::learn {
namespace {

constexpr float kMasked = -1.0e30F;  // far below any logit; its probability is 0
constexpr std::int64_t kRowsPerBlock = 64;
constexpr std::int64_t kRowsPerThread = 1024;

LEARN_CLONES void Exponentials(const float* distances, std::int64_t count, float* out) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = ExpOfNegative(distances[i]);
}

// out[a] = logit - largest allowed logit; kMasked for what is masked out, 0 everywhere when all is.
void Center(const float* logits, const std::uint8_t* mask, std::int64_t width, float* out) {
  float largest = kMasked;
  for (std::int64_t a = 0; a < width; ++a) {
    out[a] = mask == nullptr || mask[a] != 0 ? logits[a] : kMasked;
    largest = std::max(largest, out[a]);
  }
  for (std::int64_t a = 0; a < width; ++a) out[a] -= largest;
}

struct Rows {
  std::int64_t first;
  std::int64_t count;
};

const std::uint8_t* MaskOf(const CategoricalView& view, std::int64_t row) {
  return view.mask.empty() ? nullptr : view.mask.data() + row * view.width;
}

// Calls work(rows, scratch) for blocks of rows; `scratch` has a number for each action of each of them.
template <typename Work>
void ForBlocks(const CategoricalView& view, int num_threads, const Work& work) {
  const std::int64_t useful = std::min<std::int64_t>(num_threads, (view.rows + kRowsPerThread - 1) / kRowsPerThread);
  const std::int64_t threads = std::max<std::int64_t>(useful, 1);
  RunOnThreads(static_cast<int>(threads), [&](int thread) {
    std::vector<float> scratch(static_cast<std::size_t>(kRowsPerBlock * view.width));
    const std::int64_t last = view.rows * (thread + 1) / threads;
    for (std::int64_t first = view.rows * thread / threads; first < last; first += kRowsPerBlock) {
      work(Rows{first, std::min(kRowsPerBlock, last - first)}, scratch.data());
    }
  });
}

}  // namespace

void CategoricalForward(const CategoricalView& view, std::span<const float> logits, std::span<float> log_probs,
                        std::span<float> chosen, std::span<float> entropy, int num_threads) {
  const std::int64_t width = view.width;
  ForBlocks(view, num_threads, [&](Rows rows, float* weights) {
    float* distances = log_probs.data() + rows.first * width;
    for (std::int64_t r = 0; r < rows.count; ++r) {
      const std::int64_t row = rows.first + r;
      Center(logits.data() + row * width, MaskOf(view, row), width, distances + r * width);
    }
    Exponentials(distances, rows.count * width, weights);
    for (std::int64_t r = 0; r < rows.count; ++r, distances += width, weights += width) {
      const auto row = static_cast<std::size_t>(rows.first + r);
      float total = 0.0F;
      float moment = 0.0F;
      for (std::int64_t a = 0; a < width; ++a) {
        total += weights[a];
        moment += weights[a] * distances[a];
      }
      const auto log_total = static_cast<float>(std::log(static_cast<double>(total)));
      entropy[row] = log_total - moment / total;
      for (std::int64_t a = 0; a < width; ++a) distances[a] -= log_total;
      chosen[row] = distances[view.actions[row]];
    }
  });
}

void CategoricalBackward(const CategoricalView& view, std::span<const float> log_probs, std::span<const float> entropy,
                         std::span<const float> grad_chosen, std::span<const float> grad_entropy,
                         std::span<float> grad_logits, int num_threads) {
  const std::int64_t width = view.width;
  ForBlocks(view, num_threads, [&](Rows rows, float* probs) {
    const float* logs = log_probs.data() + rows.first * width;
    Exponentials(logs, rows.count * width, probs);
    for (std::int64_t r = 0; r < rows.count; ++r, logs += width, probs += width) {
      const auto row = static_cast<std::size_t>(rows.first + r);
      float* grad = grad_logits.data() + (rows.first + r) * width;
      const float of_chosen = grad_chosen[row];
      const float of_entropy = grad_entropy[row];
      for (std::int64_t a = 0; a < width; ++a) {
        grad[a] = -probs[a] * (of_chosen + of_entropy * (logs[a] + entropy[row]));
      }
      grad[view.actions[row]] += of_chosen;
      const std::uint8_t* mask = MaskOf(view, rows.first + r);
      if (mask == nullptr) continue;
      for (std::int64_t a = 0; a < width; ++a) grad[a] = mask[a] != 0 ? grad[a] : 0.0F;
    }
  });
}

}  // namespace mettagrid::learn
