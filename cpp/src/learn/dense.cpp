#include "learn/dense.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "learn/clones.h"
#include "learn/elementwise.h"
#include "learn/gemm.h"
#include "learn/parallel.h"

namespace mettagrid::learn {
namespace {

constexpr std::int64_t kRowsPerTask = 96;    // a multiple of the rows that a product holds in registers
constexpr std::int64_t kDepthPerPass = 192;  // rows of both factors that stay in the cache in a product over rows
constexpr std::int64_t kOutPerTask = 240;    // rows of such a product's result that a thread takes at most
constexpr std::int64_t kSumColumns = 64;
constexpr std::int64_t kMostGroups = 16;             // of rows, whose sums for the weights stand apart
constexpr std::int64_t kFloatsOfSums = 1024 * 1024;  // kept for all groups together

LEARN_CLONES void SumColumns(const float* rows, std::int64_t num_rows, std::int64_t stride, std::int64_t width,
                             float* sums) {
  std::fill(sums, sums + width, 0.0F);
  for (std::int64_t r = 0; r < num_rows; ++r, rows += stride) {
    for (std::int64_t c = 0; c < width; ++c) sums[c] += rows[c];
  }
}

std::int64_t Parts(std::int64_t size, std::int64_t part) { return (size + part - 1) / part; }

// Part of a GradientProduct: some rows and columns of its result.
struct ProductTask {
  const GradientProduct* product;
  std::int64_t first_row;
  std::int64_t rows;
  std::int64_t first_column;
  std::int64_t columns;
};

struct PackSpace {
  PackedTranspose a;
  PackedMatrix b;
};

void RunTask(const ProductTask& task, std::int64_t depth, PackSpace& space) {
  const GradientProduct& product = *task.product;
  float* out = product.out + task.first_row * product.b_columns + task.first_column;
  for (std::int64_t first = 0; first < depth; first += kDepthPerPass) {
    const std::int64_t count = std::min(kDepthPerPass, depth - first);
    space.a.Pack(product.a + first * product.a_columns + task.first_row, product.a_columns, count, task.rows);
    space.b.Pack({product.b + first * product.b_columns + task.first_column, product.b_columns, 1}, count,
                 task.columns);
    Multiply(space.a, space.b, first == 0 ? Start::kZero : Start::kOutput, out, product.b_columns);
  }
}

// Blocks of rows as long as they fit the cache; columns are shared out only where there are fewer blocks than threads.
std::vector<ProductTask> ShareOut(std::span<const GradientProduct> products, int num_threads) {
  std::int64_t num_blocks = 0;
  for (const GradientProduct& product : products) num_blocks += Parts(product.a_columns, kOutPerTask);
  const std::int64_t wanted = Parts(num_threads, std::max<std::int64_t>(num_blocks, 1));
  std::vector<ProductTask> tasks;
  for (const GradientProduct& product : products) {
    const std::int64_t blocks = Parts(product.a_columns, kOutPerTask);
    const std::int64_t height =
        Parts(Parts(product.a_columns, blocks), PackedTranspose::kStrip) * PackedTranspose::kStrip;
    const std::int64_t panels = Parts(product.b_columns, PackedMatrix::kPanel);
    const std::int64_t width = Parts(panels, std::min(wanted, panels)) * PackedMatrix::kPanel;
    for (std::int64_t row = 0; row < product.a_columns; row += height) {
      for (std::int64_t column = 0; column < product.b_columns; column += width) {
        tasks.push_back({&product, row, std::min(height, product.a_columns - row), column,
                         std::min(width, product.b_columns - column)});
      }
    }
  }
  return tasks;
}

// Gradients of a layer, from rows that are taken in groups. A group's rows stay in the cache from the relu to the sums
// for the weights; its sums stand apart and are added up in the order of groups, whoever computed them.
class LayerGradients {
 public:
  LayerGradients(const DenseShape& shape, std::span<const float> x, std::span<const float> w, std::span<const float> y,
                 std::span<const float> grad_y, std::span<float> grad_x)
      : shape_(shape), x_(x), y_(y), grad_y_(grad_y), grad_x_(grad_x) {
    if (!grad_x.empty()) weights_.Pack({w.data(), shape.inputs, 1}, shape.outputs, shape.inputs);
  }

  // `sums` [N, K] and `bias_sums` [N] are overwritten; `space` is the thread's.
  void Run(std::int64_t first, std::int64_t last, PackSpace& space, AlignedFloats& passed, float* sums,
           float* bias_sums) const {
    const std::int64_t outputs = shape_.outputs;
    std::fill_n(bias_sums, outputs, 0.0F);
    for (std::int64_t row = first; row < last; row += kDepthPerPass) {
      const std::int64_t count = std::min(kDepthPerPass, last - row);
      const float* before = grad_y_.data() + row * outputs;  // the gradient before the relu
      if (shape_.relu) {
        float* kept = passed.Reserve(kDepthPerPass * outputs);
        PassWherePositive(y_.data() + row * outputs, before, count * outputs, kept);
        before = kept;
      }
      if (!grad_x_.empty()) {
        float* grad_x = grad_x_.data() + row * shape_.inputs;
        Multiply({before, outputs, 1}, count, weights_, Start::kZero, nullptr, grad_x, shape_.inputs);
        if (shape_.x_relu) PassWherePositive(x_.data() + row * shape_.inputs, grad_x, count * shape_.inputs, grad_x);
      }
      space.a.Pack(before, outputs, count, outputs);
      space.b.Pack({x_.data() + row * shape_.inputs, shape_.inputs, 1}, count, shape_.inputs);
      Multiply(space.a, space.b, row == first ? Start::kZero : Start::kOutput, sums, shape_.inputs);
      AddRows(before, count, outputs, outputs, bias_sums);
    }
  }

 private:
  const DenseShape& shape_;
  std::span<const float> x_;
  std::span<const float> y_;
  std::span<const float> grad_y_;
  std::span<float> grad_x_;
  PackedMatrix weights_;
};

}  // namespace

void MultiplyTransposed(std::int64_t rows, std::span<const GradientProduct> products, const float* summed,
                        std::span<float> sums, int num_threads) {
  const std::vector<ProductTask> tasks = ShareOut(products, num_threads);
  for (const GradientProduct& product : products) {
    if (rows == 0) std::fill(product.out, product.out + product.a_columns * product.b_columns, 0.0F);
  }
  const auto width = static_cast<std::int64_t>(sums.size());
  const std::int64_t num_sums = Parts(width, kSumColumns);
  const auto total = static_cast<std::int64_t>(tasks.size()) + num_sums;
  std::atomic<std::int64_t> next{0};
  RunOnThreads(static_cast<int>(std::min<std::int64_t>(num_threads, total)), [&](int) {
    PackSpace space;
    for (std::int64_t index = next++; index < total; index = next++) {
      if (index >= num_sums) {
        RunTask(tasks[static_cast<std::size_t>(index - num_sums)], rows, space);
        continue;
      }
      const std::int64_t first = index * kSumColumns;
      SumColumns(summed + first, rows, width, std::min(kSumColumns, width - first), sums.data() + first);
    }
  });
}

void DenseForward(const DenseShape& shape, std::span<const float> x, std::span<const float> w,
                  std::span<const float> bias, std::span<float> y, int num_threads) {
  PackedMatrix weights;
  weights.Pack({w.data(), 1, shape.inputs}, shape.inputs, shape.outputs);
  const std::int64_t num_tasks = Parts(shape.rows, kRowsPerTask);
  std::atomic<std::int64_t> next{0};
  RunOnThreads(static_cast<int>(std::min<std::int64_t>(num_threads, num_tasks)), [&](int) {
    for (std::int64_t task = next++; task < num_tasks; task = next++) {
      const std::int64_t first = task * kRowsPerTask;
      const std::int64_t rows = std::min(kRowsPerTask, shape.rows - first);
      float* out = y.data() + first * shape.outputs;
      Multiply({x.data() + first * shape.inputs, shape.inputs, 1}, rows, weights,
               bias.empty() ? Start::kZero : Start::kBias, bias.data(), out, shape.outputs);
      if (shape.relu) ClampAtZero(out, rows * shape.outputs);
    }
  });
}

void DenseBackward(const DenseShape& shape, std::span<const float> x, std::span<const float> w,
                   std::span<const float> y, std::span<const float> grad_y, std::span<float> grad_x,
                   std::span<float> grad_w, std::span<float> grad_bias, int num_threads) {
  const LayerGradients layer(shape, x, w, y, grad_y, grad_x);
  const std::int64_t size = shape.inputs * shape.outputs;
  // As many groups as their sums are cheap to keep, whatever the number of threads.
  const std::int64_t most = std::clamp<std::int64_t>(kFloatsOfSums / std::max<std::int64_t>(size, 1), 2, kMostGroups);
  const std::int64_t passes = std::max<std::int64_t>(Parts(shape.rows, kDepthPerPass), 1);
  const std::int64_t height = Parts(passes, std::min(most, passes)) * kDepthPerPass;
  const std::int64_t groups = std::max<std::int64_t>(Parts(shape.rows, height), 1);
  const auto sums = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(groups * size));
  const auto biases = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(groups * shape.outputs));
  std::atomic<std::int64_t> next{0};
  RunOnThreads(static_cast<int>(std::min<std::int64_t>(num_threads, groups)), [&](int) {
    PackSpace space;
    AlignedFloats passed;
    for (std::int64_t group = next++; group < groups; group = next++) {
      layer.Run(group * height, std::min((group + 1) * height, shape.rows), space, passed, sums.get() + group * size,
                biases.get() + group * shape.outputs);
    }
  });
  if (shape.rows == 0) std::fill_n(sums.get(), size, 0.0F);
  std::fill(grad_w.begin(), grad_w.end(), 0.0F);
  AddRows(sums.get(), groups, size, size, grad_w.data());
  std::fill(grad_bias.begin(), grad_bias.end(), 0.0F);
  if (!grad_bias.empty()) AddRows(biases.get(), groups, shape.outputs, shape.outputs, grad_bias.data());
}

}  // namespace mettagrid::learn
