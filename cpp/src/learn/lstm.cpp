#include "learn/lstm.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "learn/clones.h"
#include "learn/dense.h"
#include "learn/gemm.h"
#include "learn/parallel.h"
#include "learn/vector_math.h"

namespace mettagrid::learn {
namespace {

constexpr std::int64_t kSegmentsPerTask = 24;  // a multiple of the rows that a product holds in registers

inline float Sigmoid(float x) {
  const float e = ExpOfNegative(x < 0.0F ? x : -x);  // of -|x|; what is not a number stays so
  const float large = 1.0F / (1.0F + e);             // sigmoid(|x|)
  return x < 0.0F ? e * large : large;
}

inline float Tanh(float x) {
  const float e = ExpOfNegative(x < 0.0F ? 2.0F * x : -2.0F * x);
  const float size = (1.0F - e) / (1.0F + e);
  return x < 0.0F ? -size : size;
}

// One step of one row: `gates` [4H] come as sums and leave as gates; `c` [H] is carried on.
LEARN_CLONES void StepRow(float* gates, std::int64_t units, float* c, float* h) {
  float* input = gates;
  float* forget = gates + units;
  float* cell = gates + 2 * units;
  float* output = gates + 3 * units;
  for (std::int64_t j = 0; j < units; ++j) input[j] = Sigmoid(input[j]);
  for (std::int64_t j = 0; j < units; ++j) forget[j] = Sigmoid(forget[j]);
  for (std::int64_t j = 0; j < units; ++j) cell[j] = Tanh(cell[j]);
  for (std::int64_t j = 0; j < units; ++j) output[j] = Sigmoid(output[j]);
  for (std::int64_t j = 0; j < units; ++j) {
    c[j] = forget[j] * c[j] + input[j] * cell[j];
    h[j] = output[j] * Tanh(c[j]);
  }
}

// One row's step backwards. `grad_h` [H] is the gradient of the step's h; `grad_c` [H] that of its c from later steps,
// and becomes that of the c before it. `sums` [4H] receives the gradient of the gates' sums.
LEARN_CLONES void StepRowBack(const float* __restrict gates, const float* __restrict before, const float* __restrict c,
                              const float* __restrict grad_h, std::int64_t units, float* __restrict grad_c,
                              float* __restrict sums) {
  for (std::int64_t j = 0; j < units; ++j) {
    const float input = gates[j];
    const float forget = gates[units + j];
    const float cell = gates[2 * units + j];
    const float output = gates[3 * units + j];
    const float squashed = Tanh(c[j]);
    const float of_c = grad_c[j] + grad_h[j] * output * (1.0F - squashed * squashed);
    sums[j] = of_c * cell * input * (1.0F - input);
    sums[units + j] = of_c * before[j] * forget * (1.0F - forget);
    sums[2 * units + j] = of_c * input * (1.0F - cell * cell);
    sums[3 * units + j] = grad_h[j] * squashed * output * (1.0F - output);
    grad_c[j] = of_c * forget;
  }
}

LEARN_CLONES void AddTo(float* sums, const float* terms, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) sums[i] += terms[i];
}

// Calls work(first segment, number of segments) for all segments.
template <typename Work>
void ForSegments(std::int64_t segments, int num_threads, const Work& work) {
  const std::int64_t tasks = (segments + kSegmentsPerTask - 1) / kSegmentsPerTask;
  std::atomic<std::int64_t> next{0};
  RunOnThreads(static_cast<int>(std::min<std::int64_t>(num_threads, std::max<std::int64_t>(tasks, 1))), [&](int) {
    for (std::int64_t task = next++; task < tasks; task = next++) {
      const std::int64_t first = task * kSegmentsPerTask;
      work(first, std::min(kSegmentsPerTask, segments - first));
    }
  });
}

// The segments [begin, begin + count) of a pass.
struct Segments {
  const LstmShape& shape;
  const LstmInputs& in;
  const LstmTrace& trace;
  std::int64_t begin;
  std::int64_t count;

  std::int64_t Row(std::int64_t t) const { return t * shape.segments + begin; }                       // of [T, S]
  std::int64_t Place(std::int64_t s, std::int64_t t) const { return (begin + s) * shape.steps + t; }  // of [S, T]
  bool Resets(std::int64_t s, std::int64_t t) const { return in.first[static_cast<std::size_t>(Place(s, t))] != 0; }
};

void RunForward(const Segments& part, const PackedMatrix& from_x, const PackedMatrix& from_h, std::span<float> out,
                std::span<float> hn, std::span<float> cn) {
  const auto [segments, steps, inputs, units] = part.shape;
  const std::int64_t state = part.begin * units;
  const std::int64_t size = part.count * units;
  float* h = hn.data() + state;  // the present state stands where the last one is wanted
  float* c = cn.data() + state;
  std::copy_n(part.in.h0.data() + state, size, h);
  std::copy_n(part.in.c0.data() + state, size, c);
  for (std::int64_t t = 0; t < steps; ++t) {
    const std::int64_t row = part.Row(t);
    float* x = part.trace.inputs.data() + row * inputs;
    float* before = part.trace.before.data() + row * units;
    float* gates = part.trace.gates.data() + row * 4 * units;
    for (std::int64_t s = 0; s < part.count; ++s) {
      std::copy_n(part.in.x.data() + part.Place(s, t) * inputs, inputs, x + s * inputs);
      if (!part.Resets(s, t)) continue;
      std::fill_n(h + s * units, units, 0.0F);
      std::fill_n(c + s * units, units, 0.0F);
    }
    std::copy_n(h, size, before);
    Multiply({x, inputs, 1}, part.count, from_x, Start::kBias, part.in.bias.data(), gates, 4 * units);
    Multiply({before, units, 1}, part.count, from_h, Start::kOutput, nullptr, gates, 4 * units);
    for (std::int64_t s = 0; s < part.count; ++s) {
      StepRow(gates + s * 4 * units, units, c + s * units, h + s * units);
      std::copy_n(h + s * units, units, out.data() + part.Place(s, t) * units);
    }
    std::copy_n(c, size, part.trace.cells.data() + row * units);
  }
}

// `sums` [T, S, 4H] receives the gradients of the gates' sums.
void RunBackward(const Segments& part, const PackedMatrix& to_x, const PackedMatrix& to_h, const float* grad_out,
                 const LstmGradients& grad, float* sums) {
  const auto [segments, steps, inputs, units] = part.shape;
  const std::int64_t size = part.count * units;
  float* of_h = grad.h0.data() + part.begin * units;  // of the state that enters the step after the present one
  float* of_c = grad.c0.data() + part.begin * units;
  std::vector<float> of_x(static_cast<std::size_t>(part.count * inputs));
  std::vector<float> before(static_cast<std::size_t>(size));
  for (std::int64_t t = steps; t-- > 0;) {
    const std::int64_t row = part.Row(t);
    const float* entered =
        t == 0 ? part.in.c0.data() + part.begin * units : part.trace.cells.data() + part.Row(t - 1) * units;
    std::copy_n(entered, size, before.data());
    for (std::int64_t s = 0; s < part.count; ++s) {
      const std::int64_t at = s * units;
      if (part.Resets(s, t)) std::fill_n(before.data() + at, units, 0.0F);
      AddTo(of_h + at, grad_out + part.Place(s, t) * units, units);
      StepRowBack(part.trace.gates.data() + (row + s) * 4 * units, before.data() + at,
                  part.trace.cells.data() + (row + s) * units, of_h + at, units, of_c + at,
                  sums + (row + s) * 4 * units);
    }
    const MatrixView rows{sums + row * 4 * units, 4 * units, 1};
    Multiply(rows, part.count, to_h, Start::kZero, nullptr, of_h, units);
    if (!grad.x.empty()) Multiply(rows, part.count, to_x, Start::kZero, nullptr, of_x.data(), inputs);
    for (std::int64_t s = 0; s < part.count; ++s) {
      if (!grad.x.empty()) std::copy_n(of_x.data() + s * inputs, inputs, grad.x.data() + part.Place(s, t) * inputs);
      if (!part.Resets(s, t)) continue;  // nothing passes through a reset
      std::fill_n(of_h + s * units, units, 0.0F);
      std::fill_n(of_c + s * units, units, 0.0F);
    }
  }
}

}  // namespace

void LstmForward(const LstmShape& shape, const LstmInputs& in, const LstmTrace& trace, std::span<float> h,
                 std::span<float> hn, std::span<float> cn, int num_threads) {
  PackedMatrix from_x;
  PackedMatrix from_h;
  from_x.Pack({in.w_ih.data(), 1, shape.inputs}, shape.inputs, 4 * shape.units);
  from_h.Pack({in.w_hh.data(), 1, shape.units}, shape.units, 4 * shape.units);
  ForSegments(shape.segments, num_threads, [&](std::int64_t begin, std::int64_t count) {
    RunForward({shape, in, trace, begin, count}, from_x, from_h, h, hn, cn);
  });
}

void LstmBackward(const LstmShape& shape, const LstmInputs& in, const LstmTrace& trace, std::span<const float> grad_h,
                  std::span<const float> grad_hn, std::span<const float> grad_cn, const LstmGradients& grad,
                  int num_threads) {
  PackedMatrix to_x;
  PackedMatrix to_h;
  if (!grad.x.empty()) to_x.Pack({in.w_ih.data(), shape.inputs, 1}, 4 * shape.units, shape.inputs);
  to_h.Pack({in.w_hh.data(), shape.units, 1}, 4 * shape.units, shape.units);
  std::copy(grad_hn.begin(), grad_hn.end(), grad.h0.begin());
  std::copy(grad_cn.begin(), grad_cn.end(), grad.c0.begin());
  const auto sums = std::make_unique_for_overwrite<float[]>(trace.gates.size());
  ForSegments(shape.segments, num_threads, [&](std::int64_t begin, std::int64_t count) {
    RunBackward({shape, in, trace, begin, count}, to_x, to_h, grad_h.data(), grad, sums.get());
  });
  const std::int64_t width = 4 * shape.units;
  const GradientProduct products[] = {{sums.get(), width, trace.inputs.data(), shape.inputs, grad.w_ih.data()},
                                      {sums.get(), width, trace.before.data(), shape.units, grad.w_hh.data()}};
  MultiplyTransposed(shape.segments * shape.steps, products, sums.get(), grad.bias, num_threads);
}

}  // namespace mettagrid::learn
