#pragma once

#include <cstdint>
#include <span>

namespace mettagrid::learn {

struct DenseShape {
  std::int64_t rows;     // B
  std::int64_t inputs;   // K
  std::int64_t outputs;  // N
  bool relu;             // the layer ends with max(., 0)
  bool x_relu = false;   // so does what gave x, and grad_x is to be the gradient before it: 0 where x is
};

// y = x w^T + bias, then relu if wanted.   x [B, K], w [N, K], bias [N] (empty: none), y [B, N].
// Bits do not depend on num_threads.
void DenseForward(const DenseShape& shape, std::span<const float> x, std::span<const float> w,
                  std::span<const float> bias, std::span<float> y, int num_threads);

// Gradients of DenseForward; `y` is its result (read only with relu).
//   grad_y [B, N] -> grad_x [B, K] (empty: not wanted), grad_w [N, K], grad_bias [N] (empty: none); overwritten.
void DenseBackward(const DenseShape& shape, std::span<const float> x, std::span<const float> w,
                   std::span<const float> y, std::span<const float> grad_y, std::span<float> grad_x,
                   std::span<float> grad_w, std::span<float> grad_bias, int num_threads);

// A product over many rows, a^T b: out[i, j] = sum over r of a[r, i] * b[r, j].
//   a [rows, a_columns], b [rows, b_columns], out [a_columns, b_columns].
struct GradientProduct {
  const float* a;
  std::int64_t a_columns;
  const float* b;
  std::int64_t b_columns;
  float* out;
};

// All `products` over the same number of rows, and sums[j] = sum over r of summed[r, j] (empty: none).
// Shares are parts of the outputs, so that bits do not depend on num_threads.
void MultiplyTransposed(std::int64_t rows, std::span<const GradientProduct> products, const float* summed,
                        std::span<float> sums, int num_threads);

}  // namespace mettagrid::learn
