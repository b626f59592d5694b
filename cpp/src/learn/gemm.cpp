// Compiled with -ffp-contract=fast: sums use fused multiply-add where the machine has it.
#include "learn/gemm.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace mettagrid::learn {
namespace {

constexpr std::int64_t kPanel = PackedMatrix::kPanel;
constexpr std::size_t kCacheLine = 64;

template <int kFloats>
struct VectorOf {
  using type __attribute__((vector_size(kFloats * 4), aligned(4), may_alias)) = float;
};

// What one call of a tile computes: `columns` columns of some rows, from one panel.
struct Job {
  const float* a;
  std::int64_t row_stride;
  std::int64_t step;  // from p to p + 1
  std::int64_t depth;
  const float* panel;
  Start start;
  const float* bias;
  float* out;
  std::int64_t out_stride;
  std::int64_t columns;
};

// kRows rows times kVectors vectors of columns, all sums in registers:
//
//             p ->        panel row p: [ v0 | v1 ]
//   a   row 0 . . . .          sum[0]:  [ v0 | v1 ]
//       row 1 . . . .          sum[1]:  ...
template <int kFloats, int kVectors, int kRows>
inline __attribute__((always_inline)) void Tile(const Job& job, std::int64_t row_stride, std::int64_t step) {
  using Vector = typename VectorOf<kFloats>::type;
  constexpr std::int64_t kColumns = kFloats * kVectors;
  const bool whole = job.columns == kColumns;
  alignas(kCacheLine) float edge[kColumns] = {};
  Vector sum[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) sum[r][v] = Vector{};
    if (job.start == Start::kZero) continue;
    const float* from = job.start == Start::kBias ? job.bias : job.out + r * job.out_stride;
    if (!whole) {
      std::copy(from, from + job.columns, edge);
      from = edge;
    }
    for (int v = 0; v < kVectors; ++v) sum[r][v] = *reinterpret_cast<const Vector*>(from + v * kFloats);
  }
  const float* left = job.a;
  const float* panel = job.panel;
  for (std::int64_t p = 0; p < job.depth; ++p, left += step, panel += kPanel) {
    Vector right[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) right[v] = *reinterpret_cast<const Vector*>(panel + v * kFloats);
    const float* row = left;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const float factor = row[(r % 3) * row_stride];  // three rows from one address: fewer registers hold addresses
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[r][v] += factor * right[v];
      if (r % 3 == 2) row += 3 * row_stride;
    }
  }
  for (int r = 0; r < kRows; ++r) {
    float* to = job.out + r * job.out_stride;
    float* into = whole ? to : edge;
    for (int v = 0; v < kVectors; ++v) *reinterpret_cast<Vector*>(into + v * kFloats) = sum[r][v];
    if (!whole) std::copy(edge, edge + job.columns, to);
  }
}

// A panel in parts of kFloats * kVectors columns.
template <int kFloats, int kVectors, int kRows>
inline __attribute__((always_inline)) void PanelRows(Job job) {
  constexpr std::int64_t kColumns = kFloats * kVectors;
  const std::int64_t all = job.columns;
  for (std::int64_t c = 0; c < all; c += kColumns) {
    job.columns = std::min(kColumns, all - c);
    if (job.step == 1) {
      Tile<kFloats, kVectors, kRows>(job, job.row_stride, 1);
    } else {
      Tile<kFloats, kVectors, kRows>(job, 1, job.step);
    }
    job.panel += kColumns;
    if (job.bias != nullptr) job.bias += kColumns;
    job.out += kColumns;
  }
}

template <int kFloats, int kVectors, int kRows>
inline __attribute__((always_inline)) void AllRows(Job job, std::int64_t rows) {
  const auto advance = [&job, &rows](std::int64_t count) {
    job.a += count * job.row_stride;
    job.out += count * job.out_stride;
    rows -= count;
  };
  for (; rows >= kRows; advance(kRows)) PanelRows<kFloats, kVectors, kRows>(job);
  for (; rows >= 4; advance(4)) PanelRows<kFloats, kVectors, 4>(job);
  for (; rows > 0; advance(1)) PanelRows<kFloats, kVectors, 1>(job);
}

// 12 x 2 sums of 16 floats fill AVX-512's 32 registers, 6 x 2 of 8 the 16 of AVX2.
#if defined(__x86_64__)
__attribute__((target("avx512f"))) void RowsAvx512(const Job& job, std::int64_t rows) { AllRows<16, 2, 12>(job, rows); }
__attribute__((target("avx2,fma"))) void RowsAvx2(const Job& job, std::int64_t rows) { AllRows<8, 2, 6>(job, rows); }
#endif
void RowsPlain(const Job& job, std::int64_t rows) { AllRows<4, 2, 6>(job, rows); }

using RowsFunction = void (*)(const Job&, std::int64_t);

RowsFunction ChooseRows() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return &RowsAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &RowsAvx2;
#endif
  return &RowsPlain;
}

}  // namespace

void PackedMatrix::Reserve(std::int64_t depth, std::int64_t columns) {
  depth_ = depth;
  columns_ = columns;
  const auto size = static_cast<std::size_t>(depth * num_panels() * kPanel);
  if (memory_.size() < size + kCacheLine) memory_.resize(size + kCacheLine);
  void* start = memory_.data();
  std::size_t space = memory_.size() * sizeof(float);
  data_ = static_cast<float*>(std::align(kCacheLine, size * sizeof(float), start, space));
}

void PackedMatrix::PackPanels(const MatrixView& b, std::int64_t first, std::int64_t last) {
  for (std::int64_t index = first; index < last; ++index) {
    const std::int64_t begin = index * kPanel;
    const std::int64_t width = std::min(kPanel, columns_ - begin);
    float* to = data_ + index * depth_ * kPanel;
    const float* from = b.data + begin * b.column_stride;
    for (std::int64_t p = 0; p < depth_; ++p, to += kPanel, from += b.row_stride) {
      if (b.column_stride == 1) {
        std::copy(from, from + width, to);
      } else {
        for (std::int64_t j = 0; j < width; ++j) to[j] = from[j * b.column_stride];
      }
      std::fill(to + width, to + kPanel, 0.0F);
    }
  }
}

void PackedMatrix::Pack(const MatrixView& b, std::int64_t depth, std::int64_t columns) {
  Reserve(depth, columns);
  PackPanels(b, 0, num_panels());
}

void Multiply(const MatrixView& a, std::int64_t rows, const PackedMatrix& b, Start start, const float* bias, float* out,
              std::int64_t out_stride) {
  static const RowsFunction kRows = ChooseRows();
  for (std::int64_t index = 0; index < b.num_panels(); ++index) {
    const std::int64_t begin = index * kPanel;
    kRows({.a = a.data,
           .row_stride = a.row_stride,
           .step = a.column_stride,
           .depth = b.depth(),
           .panel = b.panel(index),
           .start = start,
           .bias = bias == nullptr ? nullptr : bias + begin,
           .out = out + begin,
           .out_stride = out_stride,
           .columns = std::min(kPanel, b.columns() - begin)},
          rows);
  }
}

}  // namespace mettagrid::learn
