// Compiled with -ffp-contract=fast: sums use fused multiply-add where the machine has it.
#include "learn/gemm.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "learn/clones.h"

namespace mettagrid::learn {
namespace {

constexpr std::int64_t kPanel = PackedMatrix::kPanel;
constexpr std::int64_t kStrip = PackedTranspose::kStrip;
constexpr std::size_t kCacheLine = 64;

template <int kFloats>
struct VectorOf {
  using type __attribute__((vector_size(kFloats * 4), aligned(4), may_alias)) = float;
};

// What one call of a tile computes: `columns` columns of some rows, from one panel.
struct Job {
  const float* a;
  std::int64_t row_stride;
  std::int64_t strip_stride;  // from a row to the one kStrip further
  std::int64_t step;          // from p to p + 1
  std::int64_t run;           // so many p lie `step` apart,
  std::int64_t run_gap;       // then so much more is left out
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
// Sums start from rows of `from`, `from_stride` floats apart, or from 0 without; they go to `to`. All loops over sums
// are unrolled: only then does the compiler keep them in registers before and after the loop over p, too.
template <int kFloats, int kVectors, int kRows>
inline __attribute__((always_inline)) void Tile(const Job& job, std::int64_t row_stride, std::int64_t step,
                                                const float* from, std::int64_t from_stride, float* to,
                                                std::int64_t to_stride) {
  using Vector = typename VectorOf<kFloats>::type;
  Vector sum[kRows][kVectors];
  if (from == nullptr) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[r][v] = Vector{};
    }
  } else {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r, from += from_stride) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[r][v] = *reinterpret_cast<const Vector*>(from + v * kFloats);
    }
  }
  const float* left = job.a;
  const float* panel = job.panel;
  for (std::int64_t done = 0; done < job.depth; done += job.run, left += job.run_gap) {
    const std::int64_t count = std::min(job.run, job.depth - done);
    for (std::int64_t p = 0; p < count; ++p, left += step, panel += kPanel) {
      Vector right[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) right[v] = *reinterpret_cast<const Vector*>(panel + v * kFloats);
      const float* row = left;
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const float factor = row[(r % 3) * row_stride];  // three rows from one address: fewer registers for addresses
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sum[r][v] += factor * right[v];
        if (r % 3 == 2) row += 3 * row_stride;
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r, to += to_stride) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) *reinterpret_cast<Vector*>(to + v * kFloats) = sum[r][v];
  }
}

// A tile of a Job that may have fewer columns than a tile.
template <int kFloats, int kVectors, int kRows>
inline __attribute__((always_inline)) void JobTile(const Job& job, std::int64_t row_stride, std::int64_t step) {
  constexpr std::int64_t kColumns = kFloats * kVectors;
  const float* from = job.start == Start::kZero ? nullptr : job.start == Start::kBias ? job.bias : job.out;
  const std::int64_t from_stride = job.start == Start::kBias ? 0 : job.out_stride;
  if (job.columns == kColumns) {
    Tile<kFloats, kVectors, kRows>(job, row_stride, step, from, from_stride, job.out, job.out_stride);
    return;
  }
  alignas(kCacheLine) float edge[kRows * kColumns];
  if (from != nullptr) {
    std::fill_n(edge, kRows * kColumns, 0.0F);
    for (int r = 0; r < kRows; ++r) std::copy_n(from + r * from_stride, job.columns, edge + r * kColumns);
    from = edge;
  }
  Tile<kFloats, kVectors, kRows>(job, row_stride, step, from, kColumns, edge, kColumns);
  for (int r = 0; r < kRows; ++r) std::copy_n(edge + r * kColumns, job.columns, job.out + r * job.out_stride);
}

// A panel in parts of kFloats * kVectors columns.
template <int kFloats, int kVectors, int kRows>
inline __attribute__((always_inline)) void PanelRows(Job job) {
  if constexpr (kVectors > 1) {
    if (job.columns <= kFloats) return PanelRows<kFloats, 1, kRows>(job);
  }
  constexpr std::int64_t kColumns = kFloats * kVectors;
  const std::int64_t all = job.columns;
  for (std::int64_t c = 0; c < all; c += kColumns) {
    job.columns = std::min(kColumns, all - c);
    if (job.step == 1) {
      JobTile<kFloats, kVectors, kRows>(job, job.row_stride, 1);
    } else {
      JobTile<kFloats, kVectors, kRows>(job, 1, job.step);
    }
    job.panel += kColumns;
    if (job.bias != nullptr) job.bias += kColumns;
    job.out += kColumns;
  }
}

template <int kFloats, int kVectors, int kRows>
inline __attribute__((always_inline)) void AllRows(const Job& all, std::int64_t rows) {
  static_assert(kStrip % kRows == 0);
  Job job = all;
  std::int64_t row = 0;
  const auto place = [&] {
    job.a = all.a + row / kStrip * all.strip_stride + row % kStrip * all.row_stride;
    job.out = all.out + row * all.out_stride;
  };
  for (; rows - row >= kRows; row += kRows) {
    place();
    PanelRows<kFloats, kVectors, kRows>(job);
  }
  for (; rows - row >= 4; row += 4) {
    place();
    PanelRows<kFloats, kVectors, 4>(job);
  }
  for (; row < rows; ++row) {
    place();
    PanelRows<kFloats, kVectors, 1>(job);
  }
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

// The product of a Job that lacks what the panels say.
void ForPanels(Job job, std::int64_t rows, const PackedMatrix& b) {
  static const RowsFunction kRows = ChooseRows();
  const float* bias = job.bias;
  float* out = job.out;
  job.depth = b.depth();
  if (job.run == 0) job.run = job.depth;
  for (std::int64_t index = 0; index < b.num_panels(); ++index) {
    const std::int64_t begin = index * kPanel;
    job.panel = b.panel(index);
    job.bias = bias == nullptr ? nullptr : bias + begin;
    job.out = out + begin;
    job.columns = std::min(kPanel, b.columns() - begin);
    kRows(job, rows);
  }
}

// Pieces of kPiece floats, one after the other, to places `stride` floats apart. The length is known to the compiler: a
// call of memmove for each would take longer than the copy.
template <std::int64_t kPiece>
inline __attribute__((always_inline)) void CopyPieces(const float* __restrict from, std::int64_t count,
                                                      float* __restrict to, std::int64_t stride) {
  for (std::int64_t i = 0; i < count; ++i, from += kPiece, to += stride) {
    for (std::int64_t j = 0; j < kPiece; ++j) to[j] = from[j];
  }
}

LEARN_CLONES void CopyToPanels(const float* from, std::int64_t count, float* to, std::int64_t stride) {
  CopyPieces<kPanel>(from, count, to, stride);
}

LEARN_CLONES void CopyToStrips(const float* from, std::int64_t count, float* to, std::int64_t stride) {
  CopyPieces<kStrip>(from, count, to, stride);
}

// Four rows of four floats become four columns.
inline void Turn(const float* from, std::int64_t from_stride, float* to, std::int64_t to_stride) {
  using Four = typename VectorOf<4>::type;
  const auto row = [&](int i) { return *reinterpret_cast<const Four*>(from + i * from_stride); };
  const Four low01 = __builtin_shufflevector(row(0), row(1), 0, 4, 1, 5);
  const Four high01 = __builtin_shufflevector(row(0), row(1), 2, 6, 3, 7);
  const Four low23 = __builtin_shufflevector(row(2), row(3), 0, 4, 1, 5);
  const Four high23 = __builtin_shufflevector(row(2), row(3), 2, 6, 3, 7);
  const auto column = [&](int i) -> Four& { return *reinterpret_cast<Four*>(to + i * to_stride); };
  column(0) = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
  column(1) = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
  column(2) = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
  column(3) = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

}  // namespace

float* AlignedFloats::Reserve(std::int64_t size) {
  const auto wanted = static_cast<std::size_t>(size);
  if (size_ < wanted + kCacheLine) {
    size_ = wanted + kCacheLine;
    memory_ = std::make_unique_for_overwrite<float[]>(size_);
  }
  void* start = memory_.get();
  std::size_t space = size_ * sizeof(float);
  data_ = static_cast<float*>(std::align(kCacheLine, wanted * sizeof(float), start, space));
  return data_;
}

void PackedMatrix::Reserve(std::int64_t depth, std::int64_t columns) {
  depth_ = depth;
  columns_ = columns;
  stride_ = depth + kStrip;
  panels_.Reserve(stride_ * num_panels() * kPanel);
}

void PackedMatrix::Pack(const MatrixView& b, std::int64_t depth, std::int64_t columns) {
  Reserve(depth, columns);
  PackRows(b, 0, depth);
}

void PackedMatrix::PackRows(const MatrixView& b, std::int64_t first, std::int64_t count) {
  if (b.column_stride == 1) {
    for (std::int64_t p = 0; p < count; ++p) PackRow(first + p, b.data + p * b.row_stride);
    return;
  }
  for (std::int64_t begin = 0; begin < columns_; begin += kPanel) {
    const std::int64_t width = std::min(kPanel, columns_ - begin);
    const float* from = b.data + begin * b.column_stride;
    float* to = Place(begin, first);
    std::int64_t p = 0;
    if (b.row_stride == 1 && width == kPanel) {
      for (; p + 4 <= count; p += 4, to += 4 * kPanel, from += 4) {
        for (std::int64_t j = 0; j < kPanel; j += 4) Turn(from + j * b.column_stride, b.column_stride, to + j, kPanel);
      }
    }
    for (; p < count; ++p, to += kPanel, from += b.row_stride) {
      for (std::int64_t j = 0; j < width; ++j) to[j] = from[j * b.column_stride];
      std::fill(to + width, to + kPanel, 0.0F);
    }
  }
}

void PackedMatrix::PackRow(std::int64_t index, const float* row) {
  const std::int64_t whole = columns_ / kPanel;
  CopyToPanels(row, whole, panels_.data() + index * kPanel, stride_ * kPanel);
  if (whole == num_panels()) return;
  float* edge = Place(whole * kPanel, index);
  std::fill(std::copy(row + whole * kPanel, row + columns_, edge), edge + kPanel, 0.0F);
}

void PackedTranspose::Reserve(std::int64_t depth, std::int64_t rows) {
  depth_ = depth;
  rows_ = rows;
  strips_.Reserve(Strips() * kStrip * depth);
}

void PackedTranspose::PackRow(std::int64_t index, std::int64_t first, const float* row, std::int64_t count) {
  const std::int64_t last = first + count;
  const std::int64_t whole = std::min((first + kStrip - 1) / kStrip * kStrip, last);  // where a strip begins
  std::copy_n(row, whole - first, Place(first, index));
  row += whole - first;
  const std::int64_t strips = (last - whole) / kStrip;
  CopyToStrips(row, strips, Place(whole, index), depth_ * kStrip);
  const std::int64_t rest = whole + strips * kStrip;
  std::copy_n(row + strips * kStrip, last - rest, Place(rest, index));
}

void PackedTranspose::Pack(const float* a, std::int64_t stride, std::int64_t depth, std::int64_t rows) {
  Reserve(depth, rows);
  for (std::int64_t p = 0; p < depth; ++p) PackRow(p, 0, a + p * stride, rows);  // as they stand in memory
}

void Multiply(const MatrixView& a, std::int64_t rows, const PackedMatrix& b, Start start, const float* bias, float* out,
              std::int64_t out_stride) {
  Job job{};
  job.a = a.data;
  job.row_stride = a.row_stride;
  job.strip_stride = kStrip * a.row_stride;
  job.step = a.column_stride;
  job.start = start;
  job.bias = bias;
  job.out = out;
  job.out_stride = out_stride;
  ForPanels(job, rows, b);
}

void Multiply(const PackedTranspose& a, const PackedMatrix& b, Start start, float* out, std::int64_t out_stride) {
  Job job{};
  job.a = a.data();
  job.row_stride = 1;
  job.strip_stride = kStrip * a.depth();
  job.step = kStrip;
  job.start = start;
  job.out = out;
  job.out_stride = out_stride;
  ForPanels(job, a.rows(), b);
}

void Multiply(const PackedMatrix& a, std::int64_t first_row, std::int64_t rows, const PackedMatrix& b, Start start,
              float* out, std::int64_t out_stride) {
  Job job{};
  job.a = a.panel(0) + first_row * kPanel;
  job.row_stride = kPanel;
  job.strip_stride = kStrip * kPanel;
  job.step = 1;
  job.run = kPanel;
  job.run_gap = (a.stride() - 1) * kPanel;
  job.start = start;
  job.out = out;
  job.out_stride = out_stride;
  ForPanels(job, rows, b);
}

}  // namespace mettagrid::learn
