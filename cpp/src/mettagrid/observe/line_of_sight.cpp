#include "mettagrid/observe/line_of_sight.h"

#include <algorithm>
#include <cstdlib>

#include "mettagrid/core/check.h"

namespace mettagrid {
namespace {

struct Step {
  WindowCell first;  // the nearest cell; of two at the same distance the western or northern one
  bool between;      // the line runs between `first` and its neighbour in the east (steep lines) or south (flat ones)
};

// Round towards minus infinity.
std::int32_t FloorDivide(std::int32_t number, std::int32_t by) {
  return number >= 0 ? number / by : -((-number + by - 1) / by);
}

// The cells strictly between the agent and `target`.
std::vector<Step> StepsTo(WindowCell target) {
  const bool steep = std::abs(target.row) >= std::abs(target.column);
  const std::int32_t along = steep ? target.row : target.column;
  const std::int32_t across = steep ? target.column : target.row;
  const std::int32_t length = std::abs(along);
  std::vector<Step> steps;
  for (std::int32_t i = 1; i < length; ++i) {
    const std::int32_t major = along > 0 ? i : -i;
    const std::int32_t below = FloorDivide(i * across, length);
    const std::int32_t twice_rest = 2 * (i * across - below * length);
    const std::int32_t minor = below + (twice_rest > length ? 1 : 0);
    steps.push_back({steep ? WindowCell{major, minor} : WindowCell{minor, major}, twice_rest == length});
  }
  return steps;
}

std::int32_t Towards(std::int32_t coordinate) { return coordinate > 0 ? coordinate - 1 : coordinate + 1; }

}  // namespace

LineOfSight::LineOfSight(const Window& window) {
  const std::vector<WindowCell>& cells = window.cells();
  const std::size_t words = window.num_words();
  const auto rank_of = [&cells](std::int32_t row, std::int32_t column) {
    const auto found = std::find_if(cells.begin(), cells.end(), [row, column](const WindowCell& cell) {
      return cell.row == row && cell.column == column;
    });
    return found == cells.end() ? kNoRank : static_cast<std::uint16_t>(found - cells.begin());
  };
  const auto add = [words](std::vector<std::uint64_t>& sets, std::size_t set, std::size_t rank) {
    if (rank != kNoRank) sets[set * words + rank / 64] |= std::uint64_t{1} << (rank % 64);
  };
  all_.assign(words, 0);
  for (auto* const sets : {&behind_, &between_east_, &between_south_, &facing_}) sets->assign(cells.size() * words, 0);
  for (std::size_t rank = 0; rank < cells.size(); ++rank) {
    const auto [row, column] = cells[rank];
    add(all_, 0, rank);
    blockers_.push_back({rank_of(row, column + 1), rank_of(row + 1, column)});
    const bool steep = std::abs(row) >= std::abs(column);
    for (const Step& step : StepsTo(cells[rank])) {
      const std::uint16_t through = rank_of(step.first.row, step.first.column);
      MG_CHECK(through != kNoRank, EnvError, "a line of sight leaves the window.");
      add(!step.between ? behind_ : steep ? between_east_ : between_south_, through, rank);
    }
    if (row != 0) add(facing_, rank, rank_of(Towards(row), column));
    if (column != 0) add(facing_, rank, rank_of(row, Towards(column)));
    if (row != 0 && column != 0) add(facing_, rank, rank_of(Towards(row), Towards(column)));
  }
}

}  // namespace mettagrid
