#include "learn/token_conv.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "learn/clones.h"
#include "learn/lanes.h"
#include "learn/parallel.h"
#include "learn/token_sum.h"

namespace mettagrid::learn {
namespace {

using Entry = TokenEntry;

constexpr std::int64_t kObsPerTask = 16;    // observations that a forward thread takes at a time
constexpr std::int64_t kObsPerThread = 32;  // below that, starting a thread costs more than it saves
constexpr std::int64_t kObsPerPart = 128;   // fewer would make the parts' sums cost more than the parts
constexpr std::int64_t kMostParts = 16;

// Calls cell(row, position, weight) and constant(row, weight) for the tokens of an observation that count.
template <typename Cell, typename Constant>
inline __attribute__((always_inline)) void ForTokens(const TokenConvTables& tables, const TokenConvShape& shape,
                                                     const std::uint8_t* obs, const Cell& cell,
                                                     const Constant& constant) {
  const std::int64_t last_row = shape.num_rows - shape.num_taps;
  const std::int64_t used = UsedTokens(obs, shape.num_tokens);
  for (const std::uint8_t* token = obs; token < obs + 3 * used; token += 3) {
    const std::size_t feature = token[1];
    const std::size_t looks = feature << 8 | token[2];
    const std::size_t scope = tables.scopes[feature];
    const std::int32_t position = tables.positions[scope << 8 | token[0]];
    const std::int32_t row = tables.rows[looks];
    if ((row | position) < 0) continue;
    if (scope == 0 && row <= last_row) {
      cell(row, static_cast<std::size_t>(position), tables.weights[looks]);
    } else if (scope == 1 && row < shape.num_constants) {
      constant(row, tables.weights[looks]);
    }
  }
}

LEARN_CLONES void Relu(std::int64_t size, float* __restrict values) {
  for (std::int64_t i = 0; i < size; ++i) values[i] = values[i] < 0.0F ? 0.0F : values[i];  // not-a-number stays
}

// grad where the output is positive, else 0.
LEARN_CLONES void MaskGradient(const float* __restrict grad, const float* __restrict out, std::int64_t size,
                               float* __restrict masked) {
  for (std::int64_t i = 0; i < size; ++i) masked[i] = out[i] > 0.0F ? grad[i] : 0.0F;
}

// sums += vector, element by element.
LEARN_CLONES void AddVector(const float* __restrict vector, std::int64_t width, float* __restrict sums) {
  for (std::int64_t c = 0; c < width; ++c) sums[c] += vector[c];
}

// What one observation adds to each output of a forward pass.
class OutputEntries {
 public:
  explicit OutputEntries(const TokenConvShape& shape)
      : num_tokens_(static_cast<std::size_t>(shape.num_tokens)),
        constants_(num_tokens_),
        entries_(num_tokens_ * static_cast<std::size_t>(shape.num_outputs)),
        counts_(static_cast<std::size_t>(shape.num_outputs)) {}

  void Decode(const TokenConvTables& tables, const TokenConvShape& shape, const std::uint8_t* obs) {
    num_constants_ = 0;
    std::fill(counts_.begin(), counts_.end(), std::size_t{0});
    ForTokens(
        tables, shape, obs,
        [&](std::int32_t row, std::size_t position, float weight) {
          const std::int32_t* touch = tables.touches.data() + 2 * tables.first_touch[position];
          const std::int32_t* last = tables.touches.data() + 2 * tables.first_touch[position + 1];
          for (; touch < last; touch += 2) {
            const auto output = static_cast<std::size_t>(touch[0]);
            entries_[output * num_tokens_ + counts_[output]++] = {row + touch[1], weight};
          }
        },
        [&](std::int32_t row, float weight) {
          constants_[num_constants_++] = {row, weight};
        });
  }

  std::span<const Entry> constants() const { return {constants_.data(), num_constants_}; }
  std::span<const Entry> of(std::size_t output) const {
    return {entries_.data() + output * num_tokens_, counts_[output]};
  }

 private:
  std::size_t num_tokens_;
  std::size_t num_constants_ = 0;
  std::vector<Entry> constants_;
  std::vector<Entry> entries_;  // [outputs, tokens]: a token touches an output at most once
  std::vector<std::size_t> counts_;
};

// The gradient of one observation, added to a part's sums: kernel [N, F], constants [G, F], bias [F], one after
// another.
LEARN_CLONES void AddGradient(const TokenConvTables& tables, const TokenConvShape& shape, const std::uint8_t* obs,
                              const float* grad, float* sums, float* total) {
  const std::int64_t width = shape.width;
  float* constants = sums + shape.num_rows * width;
  float* bias = constants + shape.num_constants * width;
  std::fill(total, total + width, 0.0F);
  for (std::int64_t o = 0; o < shape.num_outputs; ++o) {
    for (std::int64_t c = 0; c < width; ++c) total[c] += grad[o * width + c];
  }
  for (std::int64_t c = 0; c < width; ++c) bias[c] += total[c];
  const auto add = [width](float* __restrict sum, const float* __restrict vector, float weight) {
    std::int64_t c = 0;
    for (; c + kLane <= width; c += kLane) {
      *reinterpret_cast<Lane*>(sum + c) += weight * *reinterpret_cast<const Lane*>(vector + c);
    }
    for (; c < width; ++c) sum[c] += weight * vector[c];
  };
  ForTokens(
      tables, shape, obs,
      [&](std::int32_t row, std::size_t position, float weight) {
        const std::int32_t* touch = tables.touches.data() + 2 * tables.first_touch[position];
        const std::int32_t* last = tables.touches.data() + 2 * tables.first_touch[position + 1];
        for (; touch < last; touch += 2) add(sums + (row + touch[1]) * width, grad + touch[0] * width, weight);
      },
      [&](std::int32_t row, float weight) { add(constants + row * width, total, weight); });
}

int UsefulThreads(int wanted, std::int64_t tasks) {
  return static_cast<int>(std::max<std::int64_t>(std::min<std::int64_t>(wanted, tasks), 1));
}

}  // namespace

void CheckTables(const TokenConvTables& tables, const TokenConvShape& shape) {
  const auto refuse = [](const std::string& reason) { throw std::invalid_argument("token_conv: " + reason); };
  for (const std::uint8_t scope : tables.scopes) {
    if (scope > 2) refuse("scopes: expected values 0 .. 2, got " + std::to_string(scope));
  }
  const auto num_cells = static_cast<std::int32_t>(tables.first_touch.size()) - 1;
  const auto num_touches = static_cast<std::int32_t>(tables.touches.size() / 2);
  for (const std::int32_t position : tables.positions.first(256)) {
    if (position >= num_cells) refuse("positions: cell " + std::to_string(position) + " has no touches");
  }
  for (std::size_t cell = 0; cell < tables.first_touch.size(); ++cell) {
    const std::int32_t before = cell == 0 ? 0 : tables.first_touch[cell - 1];
    const std::int32_t first = tables.first_touch[cell];
    if (first < before || first > num_touches) refuse("first_touch must rise from 0 to the number of touches");
  }
  for (std::size_t cell = 0; cell + 1 < tables.first_touch.size(); ++cell) {
    std::int32_t before = -1;
    for (std::int32_t t = tables.first_touch[cell]; t < tables.first_touch[cell + 1]; ++t) {
      const std::int32_t output = tables.touches[static_cast<std::size_t>(2 * t)];
      const std::int32_t tap = tables.touches[static_cast<std::size_t>(2 * t + 1)];
      if (output <= before || output >= shape.num_outputs) refuse("touches of a cell must name rising outputs");
      if (tap < 0 || tap >= shape.num_taps) refuse("touches name tap " + std::to_string(tap));
      before = output;
    }
  }
}

void TokenConvForward(const TokenConvTables& tables, const TokenConvShape& shape, std::span<const std::uint8_t> obs,
                      std::span<const float> kernel, std::span<const float> constants, std::span<const float> bias,
                      std::span<float> out, int num_threads) {
  std::atomic<std::int64_t> next{0};
  RunOnThreads(UsefulThreads(num_threads, shape.num_obs / kObsPerThread), [&](int) {
    OutputEntries entries(shape);
    std::vector<float> start(static_cast<std::size_t>(shape.width));
    while (true) {  // small tasks: a thread that starts late takes fewer of them
      const std::int64_t first = next.fetch_add(kObsPerTask, std::memory_order_relaxed);
      if (first >= shape.num_obs) break;
      const std::int64_t last = std::min(first + kObsPerTask, shape.num_obs);
      for (std::int64_t b = first; b < last; ++b) {
        entries.Decode(tables, shape, obs.data() + b * shape.num_tokens * 3);
        const auto globals = entries.constants();
        AddVectors(globals.data(), globals.size(), constants.data(), shape.width, bias.data(), start.data());
        float* row = out.data() + b * shape.num_outputs * shape.width;
        for (std::int64_t o = 0; o < shape.num_outputs; ++o, row += shape.width) {
          const auto own = entries.of(static_cast<std::size_t>(o));
          AddVectors(own.data(), own.size(), kernel.data(), shape.width, start.data(), row);
        }
        const std::int64_t size = shape.num_outputs * shape.width;
        if (shape.relu) Relu(size, out.data() + b * size);
      }
    }
  });
}

void TokenConvBackward(const TokenConvTables& tables, const TokenConvShape& shape, std::span<const std::uint8_t> obs,
                       std::span<const float> out, std::span<const float> grad_out, std::span<float> grad_kernel,
                       std::span<float> grad_constants, std::span<float> grad_bias, int num_threads) {
  const std::int64_t size = (shape.num_rows + shape.num_constants + 1) * shape.width;
  const std::int64_t parts = std::clamp<std::int64_t>(shape.num_obs / kObsPerPart, 1, kMostParts);
  std::vector<float> sums(static_cast<std::size_t>(size * parts));
  std::atomic<std::int64_t> next{0};
  RunOnThreads(UsefulThreads(num_threads, parts), [&](int) {
    const std::int64_t row_size = shape.num_outputs * shape.width;
    std::vector<float> total(static_cast<std::size_t>(shape.width));
    std::vector<float> masked(static_cast<std::size_t>(shape.relu ? row_size : 0));
    for (std::int64_t part = next++; part < parts; part = next++) {
      const std::int64_t last = shape.num_obs * (part + 1) / parts;
      for (std::int64_t b = shape.num_obs * part / parts; b < last; ++b) {
        const float* grad = grad_out.data() + b * row_size;
        if (shape.relu) {
          MaskGradient(grad, out.data() + b * row_size, row_size, masked.data());
          grad = masked.data();
        }
        AddGradient(tables, shape, obs.data() + b * shape.num_tokens * 3, grad, sums.data() + part * size,
                    total.data());
      }
    }
  });
  for (std::int64_t part = 1; part < parts; ++part) AddVector(sums.data() + part * size, size, sums.data());
  const float* from = sums.data();
  for (const std::span<float> to : {grad_kernel, grad_constants, grad_bias}) {
    std::copy_n(from, to.size(), to.data());
    from += to.size();
  }
}

}  // namespace mettagrid::learn
