#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Cells of an odd window in reading order for policies: by Manhattan distance from the centre, then by row, then by
// column: (0,0) (-1,0) (0,-1) (0,1) (1,0) (-2,0) (-1,-1) (-1,1) ... A cell's place in this order is its rank.
struct WindowCell {
  std::int32_t row;  // relative to the agent
  std::int32_t column;
};
std::vector<WindowCell> CellsByDistance(std::int32_t width, std::int32_t height,
                                        WindowShape shape = WindowShape::kSquare);

// A set of a window's cells, by rank.
template <std::size_t kWords>
using RankSet = std::array<std::uint64_t, kWords>;

// Nearest first.
template <std::size_t kWords, class Visit>
inline void ForEachRank(const RankSet<kWords>& ranks, Visit&& visit) {
  for (std::size_t word = 0; word < kWords; ++word) {
    for (std::uint64_t left = ranks[word]; left != 0; left &= left - 1) {
      visit(word * 64 + static_cast<std::size_t>(std::countr_zero(left)));
    }
  }
}

// The cells around an agent. A window row's occupied cells are a few bits of the world's occupancy set; tables turn
// them into ranks, six columns at a time, so that only occupied cells are visited, nearest first.
class Window {
 public:
  explicit Window(const GameProgram& program);

  const std::vector<WindowCell>& cells() const { return cells_; }         // by rank
  const std::int32_t* offsets() const { return offsets_.data(); }         // by rank: padded cells from the agent
  std::size_t num_words() const { return cells_.size() <= 128 ? 2 : 4; }  // of a RankSet
  std::int32_t width() const { return static_cast<std::int32_t>(width_); }
  std::int32_t height() const { return static_cast<std::int32_t>(height_); }
  std::size_t RowOf(std::size_t rank) const { return static_cast<std::size_t>(cells_[rank].row + height() / 2); }
  std::size_t ColumnOf(std::size_t rank) const { return static_cast<std::size_t>(cells_[rank].column + width() / 2); }

  // kHeight and kGroups let the compiler unroll the look-ups of the usual window (0: as the game says).
  template <std::size_t kWords, std::uint32_t kHeight, std::size_t kGroups>
  RankSet<kWords> Occupied(const std::uint8_t* occupied, CellIndex centre) const {
    const std::uint32_t height = kHeight > 0 ? kHeight : height_;
    const std::size_t groups = kGroups > 0 ? kGroups : groups_;
    const std::uint64_t* table = rank_sets_.data();
    RankSet<kWords> ranks{};
    CellIndex line = centre - height / 2 * stride_ - width_ / 2;
    for (std::uint32_t row = 0; row < height; ++row, line += stride_) {
      std::uint32_t bits;
      std::memcpy(&bits, occupied + (line >> 3), sizeof(bits));
      bits = bits >> (line & 7) & ((1U << width_) - 1);
      for (std::size_t group = 0; group < groups; ++group, bits >>= kGroupBits) {
        const std::uint64_t* const entry = table + (bits & (kGroupSize - 1)) * kWords;
        for (std::size_t word = 0; word < kWords; ++word) ranks[word] |= entry[word];
        table += kGroupSize * kWords;
      }
    }
    return ranks;
  }

 private:
  static constexpr std::uint32_t kGroupBits = 6;
  static constexpr std::uint32_t kGroupSize = 1U << kGroupBits;

  std::uint32_t width_;
  std::uint32_t height_;
  std::uint32_t stride_;
  std::size_t groups_;  // of kGroupBits columns
  std::vector<WindowCell> cells_;
  std::vector<std::int32_t> offsets_;
  // [window row][group][kGroupSize][words of 64 ranks]
  std::vector<std::uint64_t> rank_sets_;
};

}  // namespace mettagrid
