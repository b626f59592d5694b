#include "mettagrid/observe/window.h"

#include <cstdlib>

namespace mettagrid {
namespace {

// A circle holds the cells within its radius r and, at its four extremes, the two cells beside the tip (r >= 2): those
// are just outside, and without them the rim would be one cell wide there. An oblong window has an ellipse.
//
//         7x7        # # #          the row of the northern extreme: the tip and its two neighbours
//                  # # # # #
//                # # # # # # #
//                # # # @ # # #
//                # # # # # # #
//                  # # # # #
//                    # # #
bool IsInside(std::int32_t row, std::int32_t column, std::int32_t width, std::int32_t height, WindowShape shape) {
  const std::int32_t half_width = width / 2;
  const std::int32_t half_height = height / 2;
  const std::int32_t down = std::abs(row);
  const std::int32_t right = std::abs(column);
  if (down > half_height || right > half_width) return false;
  if (shape == WindowShape::kSquare) return true;
  const std::int32_t squared_width = half_width * half_width;
  const std::int32_t squared_height = half_height * half_height;
  if (down * down * squared_width + right * right * squared_height <= squared_width * squared_height) return true;
  const bool beside_tip = (down == half_height && right == 1) || (right == half_width && down == 1);
  return half_width >= 2 && half_height >= 2 && beside_tip;
}

}  // namespace

std::vector<WindowCell> CellsByDistance(std::int32_t width, std::int32_t height, WindowShape shape) {
  std::vector<WindowCell> cells;
  for (std::int32_t distance = 0; distance <= width / 2 + height / 2; ++distance) {
    for (std::int32_t row = -distance; row <= distance; ++row) {
      const std::int32_t column = distance - std::abs(row);
      if (!IsInside(row, column, width, height, shape)) continue;
      cells.push_back({row, -column});
      if (column > 0) cells.push_back({row, column});
    }
  }
  return cells;
}

Window::Window(const GameProgram& program)
    : width_(static_cast<std::uint32_t>(program.obs.width)),
      height_(static_cast<std::uint32_t>(program.obs.height)),
      stride_(program.map.stride()),
      groups_((width_ + kGroupBits - 1) / kGroupBits),
      cells_(CellsByDistance(program.obs.width, program.obs.height, program.obs.shape)) {
  const std::size_t words = num_words();
  rank_sets_.assign(height_ * groups_ * kGroupSize * words, 0);
  for (std::size_t rank = 0; rank < cells_.size(); ++rank) {
    offsets_.push_back(cells_[rank].row * static_cast<std::int32_t>(stride_) + cells_[rank].column);
    const std::size_t column = ColumnOf(rank);
    const std::size_t bit = std::size_t{1} << (column % kGroupBits);
    for (std::size_t pattern = 0; pattern < kGroupSize; ++pattern) {
      if ((pattern & bit) == 0) continue;
      const std::size_t entry = (RowOf(rank) * groups_ + column / kGroupBits) * kGroupSize + pattern;
      rank_sets_[entry * words + rank / 64] |= std::uint64_t{1} << (rank % 64);
    }
  }
}

}  // namespace mettagrid
