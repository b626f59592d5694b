// Compiled with -ffp-contract=fast, as products are: what they sum up depends on the instruction set already.
#include "learn/lstm.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "learn/clones.h"
#include "learn/gemm.h"
#include "learn/parallel.h"
#include "learn/vector_math.h"

namespace mettagrid::learn {
namespace {

constexpr std::int64_t kSegmentsPerTask = 24;  // at most; a multiple of the rows that a product holds in registers
constexpr std::int64_t kFewSegments = 96;  // fewer are cut in half as large tasks, so that several threads have some
constexpr std::int64_t kStepsPerPass = 8;  // whose gradients stay in the cache until they are summed for the weights
constexpr std::int64_t kMostGroups = 16;   // of tasks, whose sums for the weights stand apart
constexpr std::int64_t kRowGap = 16;       // rows a power of two of bytes apart would drive each other out of the cache

std::int64_t Parts(std::int64_t size, std::int64_t part) { return (size + part - 1) / part; }

// exp(-|x|); what is not a number stays so.
inline float ExpOfMinusSize(float x) { return ExpOfNegative(x < 0.0F ? x : -x); }

// One step of one row: gates' sums [4H] -> gates (may be the same place); `c` [H] is carried on, `cells` [H] receives a
// copy of it. Divisions are what this takes longest for, so that two gates share one; h has a loop of its own, since
// one chain from the sums to h is too long for a processor to work on several at once.
LEARN_CLONES void StepRow(const float* sums, std::int64_t units, float* gates, float* c, float* cells, float* h) {
#pragma GCC ivdep
  for (std::int64_t j = 0; j < units; ++j) {
    const float of_input = sums[j];
    const float of_forget = sums[units + j];
    const float of_cell = sums[2 * units + j];
    const float of_output = sums[3 * units + j];
    const float e_input = ExpOfMinusSize(of_input);
    const float e_forget = ExpOfMinusSize(of_forget);
    const float e_cell = ExpOfMinusSize(2.0F * of_cell);
    const float e_output = ExpOfMinusSize(of_output);
    const float both = 1.0F / ((1.0F + e_input) * (1.0F + e_forget));
    const float others = 1.0F / ((1.0F + e_cell) * (1.0F + e_output));
    const float input = (of_input < 0.0F ? e_input : 1.0F) * (both * (1.0F + e_forget));
    const float forget = (of_forget < 0.0F ? e_forget : 1.0F) * (both * (1.0F + e_input));
    const float size = (1.0F - e_cell) * (others * (1.0F + e_output));
    const float cell = of_cell < 0.0F ? -size : size;
    const float output = (of_output < 0.0F ? e_output : 1.0F) * (others * (1.0F + e_cell));
    const float state = forget * c[j] + input * cell;
    gates[j] = input;
    gates[units + j] = forget;
    gates[2 * units + j] = cell;
    gates[3 * units + j] = output;
    c[j] = state;
    cells[j] = state;
  }
#pragma GCC ivdep
  for (std::int64_t j = 0; j < units; ++j) {
    const float e = ExpOfMinusSize(2.0F * c[j]);
    const float squashed = (1.0F - e) / (1.0F + e);
    h[j] = gates[3 * units + j] * (c[j] < 0.0F ? -squashed : squashed);
  }
}

// One row's step backwards. The gradient of the step's h is `later` + `grad_h` [H]; `grad_c` [H] is that of its c from
// later steps, and becomes that of the c before it. `sums` [4H] receives the gradient of the gates' sums.
LEARN_CLONES void StepRowBack(const float* __restrict gates, const float* __restrict before, const float* __restrict c,
                              const float* __restrict later, const float* __restrict grad_h, std::int64_t units,
                              float* __restrict grad_c, float* __restrict sums) {
  for (std::int64_t j = 0; j < units; ++j) {
    const float input = gates[j];
    const float forget = gates[units + j];
    const float cell = gates[2 * units + j];
    const float output = gates[3 * units + j];
    const float e = ExpOfMinusSize(2.0F * c[j]);
    const float size = (1.0F - e) / (1.0F + e);
    const float squashed = c[j] < 0.0F ? -size : size;
    const float of_h = later[j] + grad_h[j];
    const float of_c = grad_c[j] + of_h * output * (1.0F - squashed * squashed);
    sums[j] = of_c * cell * input * (1.0F - input);
    sums[units + j] = of_c * before[j] * forget * (1.0F - forget);
    sums[2 * units + j] = of_c * input * (1.0F - cell * cell);
    sums[3 * units + j] = of_h * squashed * output * (1.0F - output);
    grad_c[j] = of_c * forget;
  }
}

LEARN_CLONES void AddTo(float* sums, const float* terms, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) sums[i] += terms[i];
}

// The segments [begin, begin + count) of a pass: what a thread takes through all steps.
struct Segments {
  const LstmShape& shape;
  const LstmInputs& in;
  const LstmTrace& trace;
  std::int64_t begin;
  std::int64_t count;

  std::int64_t Place(std::int64_t s, std::int64_t t) const { return (begin + s) * shape.steps + t; }  // of [S, T]
  std::int64_t Kept(std::int64_t s, std::int64_t t) const {                                           // of the trace
    return begin * shape.steps + t * count + s;
  }
  bool Resets(std::int64_t s, std::int64_t t) const { return in.first[static_cast<std::size_t>(Place(s, t))] != 0; }
};

// Depends on the shape alone: sums for the weights are grouped by tasks, and bits must not depend on threads.
std::int64_t TaskSize(const LstmShape& shape) {
  return shape.segments < kFewSegments ? kSegmentsPerTask / 2 : kSegmentsPerTask;
}

std::int64_t NumTasks(const LstmShape& shape) { return Parts(shape.segments, TaskSize(shape)); }

Segments TaskOf(const LstmShape& shape, const LstmInputs& in, const LstmTrace& trace, std::int64_t task) {
  const std::int64_t begin = task * TaskSize(shape);
  return {shape, in, trace, begin, std::min(TaskSize(shape), shape.segments - begin)};
}

struct ForwardSpace {
  AlignedFloats rows;   // [kSegmentsPerTask, F + H]: x and the h that enters the step, with a gap
  AlignedFloats gates;  // [kSegmentsPerTask, 4H], with a gap
  AlignedFloats cells;  // [H], for passes that keep nothing
};

// `weights` [F + H, 4H] are those of x over those of h.
void RunForward(const Segments& part, const PackedMatrix& weights, ForwardSpace& space, std::span<float> out,
                std::span<float> hn, std::span<float> cn) {
  const auto [segments, steps, inputs, units] = part.shape;
  const std::int64_t width = inputs + units + kRowGap;
  const std::int64_t gates_width = 4 * units + kRowGap;
  const bool keeps = !part.trace.gates.empty();
  float* rows = space.rows.Reserve(kSegmentsPerTask * width);
  float* sums = space.gates.Reserve(kSegmentsPerTask * gates_width);
  float* unkept = space.cells.Reserve(units);
  float* c = cn.data() + part.begin * units;  // the present state stands where the last one is wanted
  std::copy_n(part.in.c0.data() + part.begin * units, part.count * units, c);
  for (std::int64_t s = 0; s < part.count; ++s) {
    std::copy_n(part.in.h0.data() + (part.begin + s) * units, units, rows + s * width + inputs);
  }
  for (std::int64_t t = 0; t < steps; ++t) {
    for (std::int64_t s = 0; s < part.count; ++s) {
      std::copy_n(part.in.x.data() + part.Place(s, t) * inputs, inputs, rows + s * width);
      if (!part.Resets(s, t)) continue;
      std::fill_n(rows + s * width + inputs, units, 0.0F);
      std::fill_n(c + s * units, units, 0.0F);
    }
    Multiply({rows, width, 1}, part.count, weights, Start::kBias, part.in.bias.data(), sums, gates_width);
    for (std::int64_t s = 0; s < part.count; ++s) {
      float* row = sums + s * gates_width;
      float* h = out.data() + part.Place(s, t) * units;
      float* gates = keeps ? part.trace.gates.data() + part.Kept(s, t) * 4 * units : row;
      float* cells = keeps ? part.trace.cells.data() + part.Kept(s, t) * units : unkept;
      StepRow(row, units, gates, c + s * units, cells, h);
      std::copy_n(h, units, rows + s * width + inputs);
    }
  }
  for (std::int64_t s = 0; s < part.count; ++s) {
    std::copy_n(rows + s * width + inputs, units, hn.data() + (part.begin + s) * units);
  }
}

// What a pass backwards reads and writes besides the weights' gradients.
struct Backward {
  const PackedMatrix& to_x;
  const PackedMatrix& to_h;
  std::span<const float> h;  // what the forward pass gave
  std::span<const float> grad_h;
  const LstmGradients& grad;
};

struct BackwardSpace {
  explicit BackwardSpace(const LstmShape& shape) {
    std::fill_n(zeros.Reserve(shape.units), shape.units, 0.0F);
    row.Reserve(4 * shape.units);
  }

  AlignedFloats zeros;      // [H]
  AlignedFloats row;        // [4H]
  PackedMatrix sums;        // [steps of a pass * segments, 4H]: gradients of the gates' sums
  PackedTranspose factors;  // [the same, F + H]: x and the h that entered the step
};

// Step t backwards, whose rows of `space.sums` begin at `row`; adds to `bias` [4H].
void StepBack(const Segments& part, const Backward& pass, std::int64_t t, std::int64_t row, BackwardSpace& space,
              float* bias) {
  const auto [segments, steps, inputs, units] = part.shape;
  float* of_h = pass.grad.h0.data() + part.begin * units;  // of the state that enters the step after the present one
  float* of_c = pass.grad.c0.data() + part.begin * units;
  float* sums = space.row.data();
  for (std::int64_t s = 0; s < part.count; ++s) {
    const float* before = part.Resets(s, t) ? space.zeros.data()
                          : t == 0          ? part.in.c0.data() + (part.begin + s) * units
                                            : part.trace.cells.data() + part.Kept(s, t - 1) * units;
    StepRowBack(part.trace.gates.data() + part.Kept(s, t) * 4 * units, before,
                part.trace.cells.data() + part.Kept(s, t) * units, of_h + s * units,
                pass.grad_h.data() + part.Place(s, t) * units, units, of_c + s * units, sums);
    space.sums.PackRow(row + s, sums);
    AddTo(bias, sums, 4 * units);
  }
  Multiply(space.sums, row, part.count, pass.to_h, Start::kZero, of_h, units);
  if (!pass.grad.x.empty()) {
    Multiply(space.sums, row, part.count, pass.to_x, Start::kZero, pass.grad.x.data() + part.Place(0, t) * inputs,
             steps * inputs);
  }
  for (std::int64_t s = 0; s < part.count; ++s) {
    if (!part.Resets(s, t)) continue;  // nothing passes through a reset
    std::fill_n(of_h + s * units, units, 0.0F);
    std::fill_n(of_c + s * units, units, 0.0F);
  }
}

// Steps [first, last) of a task backwards; adds their part of the weights' gradients [F + H, 4H] and of the bias'.
void PassBack(const Segments& part, const Backward& pass, std::int64_t first, std::int64_t last, BackwardSpace& space,
              Start start, float* weights, float* bias) {
  const auto [segments, steps, inputs, units] = part.shape;
  space.sums.Reserve((last - first) * part.count, 4 * units);
  space.factors.Reserve((last - first) * part.count, inputs + units);
  for (std::int64_t t = last; t-- > first;) StepBack(part, pass, t, (t - first) * part.count, space, bias);
  for (std::int64_t t = first; t < last; ++t) {
    for (std::int64_t s = 0; s < part.count; ++s) {
      const float* before = part.Resets(s, t) ? space.zeros.data()
                            : t == 0          ? part.in.h0.data() + (part.begin + s) * units
                                              : pass.h.data() + part.Place(s, t - 1) * units;
      const std::int64_t row = (t - first) * part.count + s;
      space.factors.PackRow(row, 0, part.in.x.data() + part.Place(s, t) * inputs, inputs);
      space.factors.PackRow(row, inputs, before, units);
    }
  }
  Multiply(space.factors, space.sums, start, weights, 4 * units);
}

// Gradients of weights [F + H, 4H] and bias [4H] of groups of tasks, each group's apart.
class GroupSums {
 public:
  explicit GroupSums(const LstmShape& shape) : shape_(shape) {
    const std::int64_t tasks = NumTasks(shape);
    tasks_per_group_ = std::max<std::int64_t>(Parts(tasks, kMostGroups), 1);
    groups_ = std::max<std::int64_t>(Parts(tasks, tasks_per_group_), 1);
    sums_ = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(groups_ * Size()));
    if (tasks == 0) std::fill_n(sums_.get(), Size(), 0.0F);
  }

  std::int64_t groups() const { return groups_; }
  std::int64_t tasks_per_group() const { return tasks_per_group_; }

  float* WeightsOf(std::int64_t group) const { return sums_.get() + group * Size(); }
  float* BiasOf(std::int64_t group) const { return WeightsOf(group) + (shape_.inputs + shape_.units) * Width(); }

  // Adds the groups up in their order, whoever computed them, and lays the sums out as the weights are.
  void Finish(const LstmGradients& grad, int num_threads) const {
    RunOnThreads(num_threads, [&](int thread) {
      std::vector<float> block(static_cast<std::size_t>(kBlock * Width()));
      for (std::int64_t row = thread * kBlock; row < shape_.inputs; row += num_threads * kBlock) {
        LayOut(0, row, shape_.inputs, block.data(), grad.w_ih.data());
      }
      for (std::int64_t row = thread * kBlock; row < shape_.units; row += num_threads * kBlock) {
        LayOut(shape_.inputs, row, shape_.units, block.data(), grad.w_hh.data());
      }
    });
    AddGroups((shape_.inputs + shape_.units) * Width(), Width(), grad.bias.data());
  }

 private:
  static constexpr std::int64_t kBlock = 16;  // rows that are laid out together: a cache line's worth

  std::int64_t Width() const { return 4 * shape_.units; }
  std::int64_t Size() const { return (shape_.inputs + shape_.units + 1) * Width(); }

  // kBlock rows, from `row` on, of those that begin at `begin` become columns of `out` [4H, rows].
  void LayOut(std::int64_t begin, std::int64_t row, std::int64_t rows, float* block, float* out) const {
    const std::int64_t count = std::min(kBlock, rows - row);
    AddGroups((begin + row) * Width(), count * Width(), block);
    for (std::int64_t j = 0; j < Width(); ++j) {
      for (std::int64_t i = 0; i < count; ++i) out[j * rows + row + i] = block[i * Width() + j];
    }
  }

  void AddGroups(std::int64_t from, std::int64_t count, float* to) const {
    std::copy_n(sums_.get() + from, count, to);
    for (std::int64_t group = 1; group < groups_; ++group) AddTo(to, sums_.get() + group * Size() + from, count);
  }

  const LstmShape& shape_;
  std::int64_t tasks_per_group_;
  std::int64_t groups_;
  std::unique_ptr<float[]> sums_;
};

}  // namespace

void LstmForward(const LstmShape& shape, const LstmInputs& in, const LstmTrace& trace, std::span<float> h,
                 std::span<float> hn, std::span<float> cn, int num_threads) {
  PackedMatrix weights;
  weights.Reserve(shape.inputs + shape.units, 4 * shape.units);
  weights.PackRows({in.w_ih.data(), 1, shape.inputs}, 0, shape.inputs);
  weights.PackRows({in.w_hh.data(), 1, shape.units}, shape.inputs, shape.units);
  const std::int64_t tasks = NumTasks(shape);
  std::atomic<std::int64_t> next{0};
  RunOnThreads(static_cast<int>(std::min<std::int64_t>(num_threads, tasks)), [&](int) {
    ForwardSpace space;
    for (std::int64_t task = next++; task < tasks; task = next++) {
      RunForward(TaskOf(shape, in, trace, task), weights, space, h, hn, cn);
    }
  });
}

void LstmBackward(const LstmShape& shape, const LstmInputs& in, const LstmTrace& trace, std::span<const float> h,
                  std::span<const float> grad_h, std::span<const float> grad_hn, std::span<const float> grad_cn,
                  const LstmGradients& grad, int num_threads) {
  PackedMatrix to_x;
  PackedMatrix to_h;
  if (!grad.x.empty()) to_x.Pack({in.w_ih.data(), shape.inputs, 1}, 4 * shape.units, shape.inputs);
  to_h.Pack({in.w_hh.data(), shape.units, 1}, 4 * shape.units, shape.units);
  std::copy(grad_hn.begin(), grad_hn.end(), grad.h0.begin());
  std::copy(grad_cn.begin(), grad_cn.end(), grad.c0.begin());
  const Backward pass{to_x, to_h, h, grad_h, grad};
  const GroupSums sums(shape);
  std::atomic<std::int64_t> next{0};
  RunOnThreads(static_cast<int>(std::min<std::int64_t>(num_threads, sums.groups())), [&](int) {
    BackwardSpace space(shape);
    for (std::int64_t group = next++; group < sums.groups(); group = next++) {
      std::fill_n(sums.BiasOf(group), 4 * shape.units, 0.0F);
      Start start = Start::kZero;
      const std::int64_t end = std::min(NumTasks(shape), (group + 1) * sums.tasks_per_group());
      for (std::int64_t task = group * sums.tasks_per_group(); task < end; ++task) {
        const Segments part = TaskOf(shape, in, trace, task);
        for (std::int64_t last = shape.steps; last > 0; last -= std::min(last, kStepsPerPass)) {
          const std::int64_t first = std::max<std::int64_t>(last - kStepsPerPass, 0);
          PassBack(part, pass, first, last, space, start, sums.WeightsOf(group), sums.BiasOf(group));
          start = Start::kOutput;
        }
      }
    }
  });
  sums.Finish(grad, num_threads);
}

}  // namespace mettagrid::learn
