#include "mettagrid/maps/scatter.h"

#include <algorithm>
#include <cstdlib>

#include "mettagrid/maps/draws.h"

namespace mettagrid::maps {
namespace {

std::vector<std::uint32_t> FreeCells(View view) {
  std::vector<std::uint32_t> free;
  free.reserve(static_cast<std::size_t>(view.area()));
  for (int row = 0; row < view.height(); ++row) {
    for (int column = 0; column < view.width(); ++column) {
      if (view.At(row, column) == kFree) free.push_back(static_cast<std::uint32_t>(row * view.width() + column));
    }
  }
  return free;
}

// A uniform cell at Manhattan distance `distance` >= 1 from `from`, walked around the diamond.
Point OnDiamond(Point from, int distance, RandomStream& random) {
  const int along = Between(random, 0, 4 * distance - 1);
  const int side = along / distance;
  const int step = along % distance;
  switch (side) {
    case 0:
      return {from.row - distance + step, from.column + step};
    case 1:
      return {from.row + step, from.column + distance - step};
    case 2:
      return {from.row + distance - step, from.column - step};
    default:
      return {from.row - step, from.column - distance + step};
  }
}

// The free cell nearest to `from` in Manhattan distance, by reading order among equals; its row is -1 when none is
// left.
Point NearestFree(View view, Point from) {
  Point best{-1, -1};
  int best_distance = view.height() + view.width();
  for (int row = 0; row < view.height(); ++row) {
    for (int column = 0; column < view.width(); ++column) {
      const int distance = std::abs(row - from.row) + std::abs(column - from.column);
      if (view.At(row, column) == kFree && distance < best_distance) {
        best = {row, column};
        best_distance = distance;
      }
    }
  }
  return best;
}

}  // namespace

int Scatter(View view, const std::vector<SymbolCount>& things, RandomStream& random) {
  std::vector<std::uint32_t> free = FreeCells(view);
  std::size_t wanted = 0;
  for (const SymbolCount& thing : things) wanted += static_cast<std::size_t>(thing.count);
  random.ShuffleFirst(std::span(free), wanted);
  std::size_t next = 0;
  for (const SymbolCount& thing : things) {
    for (int i = 0; i < thing.count && next < free.size(); ++i) {
      const int cell = static_cast<int>(free[next++]);
      view.At(cell / view.width(), cell % view.width()) = thing.symbol;
    }
  }
  return static_cast<int>(wanted - next);
}

void ScatterShares(View view, const std::vector<SymbolRange>& ranges, RandomStream& random) {
  std::vector<SymbolCount> things;
  for (const SymbolRange& range : ranges) {
    const double share = range.least + (range.most - range.least) * Uniform(random);
    things.push_back({range.symbol, static_cast<int>(share * view.area())});
  }
  Scatter(view, things, random);
}

void ScatterAround(View view, Symbol center, double mean_distance, const std::vector<SymbolCount>& things,
                   RandomStream& random) {
  constexpr int kTries = 64;
  const Point middle = NearestFree(view, {view.height() / 2, view.width() / 2});
  if (middle.row < 0) return;
  view.At(middle.row, middle.column) = center;
  for (const SymbolCount& thing : things) {
    for (int i = 0; i < thing.count; ++i) {
      Point place{-1, -1};
      for (int attempt = 0; attempt < kTries; ++attempt) {
        place = OnDiamond(middle, std::max(1, Poisson(random, mean_distance)), random);
        if (view.Contains(place.row, place.column) && view.At(place.row, place.column) == kFree) break;
        place = {-1, -1};
      }
      if (place.row < 0) place = NearestFree(view, middle);
      if (place.row < 0) return;
      view.At(place.row, place.column) = thing.symbol;
    }
  }
}

}  // namespace mettagrid::maps
