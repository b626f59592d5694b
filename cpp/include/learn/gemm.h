#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace mettagrid::learn {

// A matrix in memory: element (i, j) is data[i * row_stride + j * column_stride].
struct MatrixView {
  const float* data;
  std::int64_t row_stride;
  std::int64_t column_stride;
};

// Floats that begin at a cache line, of any value at first; the contents are lost when it grows.
class AlignedFloats {
 public:
  float* Reserve(std::int64_t size);
  float* data() { return data_; }
  const float* data() const { return data_; }

 private:
  std::unique_ptr<float[]> memory_;
  std::size_t size_ = 0;
  float* data_ = nullptr;  // within memory_
};

// The right factor of products, B [depth, columns], copied into panels of 32 columns that are read from front to back.
// The last panel is filled up with zeros.
class PackedMatrix {
 public:
  static constexpr std::int64_t kPanel = 32;

  void Pack(const MatrixView& b, std::int64_t depth, std::int64_t columns);

  // The same in parts: room for the matrix, then its rows, in any order.
  void Reserve(std::int64_t depth, std::int64_t columns);
  void PackRows(const MatrixView& b, std::int64_t first, std::int64_t count);
  void PackRow(std::int64_t index, const float* row);

  std::int64_t depth() const { return depth_; }
  std::int64_t columns() const { return columns_; }
  std::int64_t num_panels() const { return (columns_ + kPanel - 1) / kPanel; }
  const float* panel(std::int64_t index) const { return panels_.data() + index * stride_ * kPanel; }
  // Rows from a panel to the next: some more than there are, so that panels do not fall into the same sets of the
  // cache.
  std::int64_t stride() const { return stride_; }

 private:
  float* Place(std::int64_t column, std::int64_t row) {
    return panels_.data() + (column / kPanel * stride_ + row) * kPanel;
  }

  AlignedFloats panels_;
  std::int64_t depth_ = 0;
  std::int64_t columns_ = 0;
  std::int64_t stride_ = 0;
};

// The left factor of a product a^T b, copied into strips of 12 of its columns, each read from front to back: in place,
// its rows are often a power of two of bytes apart and drive each other out of the cache.
class PackedTranspose {
 public:
  static constexpr std::int64_t kStrip = 12;

  // The transpose of a [depth, rows], whose rows are `stride` floats apart.
  void Pack(const float* a, std::int64_t stride, std::int64_t depth, std::int64_t rows);

  // The same in parts: room for the matrix, then the rows of a [depth, rows], from the column `first` on.
  void Reserve(std::int64_t depth, std::int64_t rows);
  void PackRow(std::int64_t index, std::int64_t first, const float* row, std::int64_t count);

  const float* data() const { return strips_.data(); }
  std::int64_t depth() const { return depth_; }
  std::int64_t rows() const { return rows_; }

 private:
  std::int64_t Strips() const { return (rows_ + kStrip - 1) / kStrip; }
  float* Place(std::int64_t column, std::int64_t row) {
    return strips_.data() + (column / kStrip * depth_ + row) * kStrip + column % kStrip;
  }

  AlignedFloats strips_;
  std::int64_t depth_ = 0;
  std::int64_t rows_ = 0;
};

// What a product starts from, before the first term is added.
enum class Start : std::uint8_t { kZero, kBias, kOutput };

// out[i, j] = start + sum over p of a(i, p) * b(p, j), for i < rows; `out` has rows of `out_stride` floats.
// kBias starts each row with bias[j]; kOutput adds to what is there. `a` needs one stride of 1.
// Each sum runs over p from the first to the last, so that its bits do not depend on how rows and panels are shared
// out. They do depend on whether the machine has fused multiply-add.
void Multiply(const MatrixView& a, std::int64_t rows, const PackedMatrix& b, Start start, const float* bias, float* out,
              std::int64_t out_stride);

// The same for a packed left factor.
void Multiply(const PackedTranspose& a, const PackedMatrix& b, Start start, float* out, std::int64_t out_stride);

// The same for some rows of a left factor that was packed as a right one: a.columns() is b.depth().
void Multiply(const PackedMatrix& a, std::int64_t first_row, std::int64_t rows, const PackedMatrix& b, Start start,
              float* out, std::int64_t out_stride);

}  // namespace mettagrid::learn
