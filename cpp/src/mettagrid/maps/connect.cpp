#include "mettagrid/maps/connect.h"

#include <array>
#include <cstdlib>
#include <deque>
#include <limits>

namespace mettagrid::maps {
namespace {

constexpr std::array<Point, 4> kSteps = {Point{-1, 0}, Point{1, 0}, Point{0, -1}, Point{0, 1}};
constexpr int kUnknown = -1;
constexpr int kBlocked = -2;

// Regions of cells that can be walked on, numbered in reading order of their first cell. A frame of blocked cells
// around the view saves asking whether a neighbour is outside.
class Regions {
 public:
  Regions(View view, const Palette& palette)
      : view_(view), palette_(palette), stride_(static_cast<std::size_t>(view.width()) + 2) {
    region_.assign(stride_ * (static_cast<std::size_t>(view.height()) + 2), kBlocked);
    for (int row = 0; row < view.height(); ++row) {
      for (int column = 0; column < view.width(); ++column) {
        if (palette.Passable(view.At(row, column))) region_[Index(row, column)] = kUnknown;
      }
    }
    for (std::size_t cell = 0; cell < region_.size(); ++cell) {
      if (region_[cell] == kUnknown) Flood(cell);
    }
  }

  int count() const { return static_cast<int>(sizes_.size()); }
  // Of a cell of the view or right beside it; kBlocked where nobody can walk.
  int Of(int row, int column) const { return region_[Index(row, column)]; }

  // The region of the first agent; without agents the largest one. kUnknown when nothing can be walked on.
  int Main() const {
    for (int row = 0; row < view_.height(); ++row) {
      for (int column = 0; column < view_.width(); ++column) {
        if (palette_.Kind(view_.At(row, column)) == SymbolKind::kAgent) return Of(row, column);
      }
    }
    int largest = kUnknown;
    for (int region = 0; region < count(); ++region) {
      if (largest == kUnknown || sizes_[static_cast<std::size_t>(region)] > sizes_[static_cast<std::size_t>(largest)]) {
        largest = region;
      }
    }
    return largest;
  }

  // Whether a thing can be stood on or beside from within `region`.
  bool InReach(int row, int column, int region) const {
    if (Of(row, column) == region) return true;
    for (const Point& step : kSteps) {
      if (Of(row + step.row, column + step.column) == region) return true;
    }
    return false;
  }

 private:
  std::size_t Index(int row, int column) const {
    return static_cast<std::size_t>(row + 1) * stride_ + static_cast<std::size_t>(column + 1);
  }

  void Flood(std::size_t start) {
    const int region = count();
    int size = 0;
    open_.assign(1, start);
    region_[start] = region;
    while (!open_.empty()) {
      const std::size_t at = open_.back();
      open_.pop_back();
      ++size;
      for (const std::size_t next : {at - stride_, at + stride_, at - 1, at + 1}) {
        if (region_[next] != kUnknown) continue;
        region_[next] = region;
        open_.push_back(next);
      }
    }
    sizes_.push_back(size);
  }

  View view_;
  const Palette& palette_;
  std::size_t stride_;
  std::vector<int> region_;
  std::vector<int> sizes_;
  std::vector<std::size_t> open_;  // of a flood
};

// The shortest way through walls from region `from` to a cell for which `wanted` holds, dug free. Walls cost one,
// cells that can be walked on nothing; objects are in the way.
template <class Wanted>
bool Dig(View view, const Palette& palette, const Regions& regions, int from, Wanted wanted) {
  const auto index = [&view](Point at) { return static_cast<std::size_t>(at.row * view.width() + at.column); };
  std::vector<int> cost(static_cast<std::size_t>(view.area()), std::numeric_limits<int>::max());
  std::vector<int> before(cost.size(), kUnknown);
  std::deque<Point> open;
  for (int row = 0; row < view.height(); ++row) {
    for (int column = 0; column < view.width(); ++column) {
      if (regions.Of(row, column) != from) continue;
      cost[index({row, column})] = 0;
      open.push_back({row, column});
    }
  }
  while (!open.empty()) {
    const Point at = open.front();
    open.pop_front();
    if (wanted(at)) {
      for (int cell = static_cast<int>(index(at)); cell != kUnknown; cell = before[static_cast<std::size_t>(cell)]) {
        Symbol& symbol = view.At(cell / view.width(), cell % view.width());
        if (palette.Kind(symbol) == SymbolKind::kStatic && !palette.Passable(symbol)) symbol = kFree;
      }
      return true;
    }
    for (const Point& step : kSteps) {
      const Point next{at.row + step.row, at.column + step.column};
      if (!view.Contains(next.row, next.column)) continue;
      const Symbol symbol = view.At(next.row, next.column);
      const bool walkable = palette.Passable(symbol);
      if (!walkable && palette.Kind(symbol) != SymbolKind::kStatic) continue;
      const int there = cost[index(at)] + (walkable ? 0 : 1);
      if (there >= cost[index(next)]) continue;
      cost[index(next)] = there;
      before[index(next)] = static_cast<int>(index(at));
      walkable ? open.push_front(next) : open.push_back(next);
    }
  }
  return false;
}

bool FirstFault(View view, const Palette& palette, const Regions& regions, int main, Fault& fault) {
  for (int row = 0; row < view.height(); ++row) {
    for (int column = 0; column < view.width(); ++column) {
      const Symbol symbol = view.At(row, column);
      const SymbolKind kind = palette.Kind(symbol);
      const bool missing = kind == SymbolKind::kAgent    ? regions.Of(row, column) != main
                           : kind == SymbolKind::kObject ? !regions.InReach(row, column, main)
                                                         : false;
      if (!missing) continue;
      fault = {symbol, {row, column}};
      return true;
    }
  }
  return false;
}

}  // namespace

bool AllReachable(View view, const Palette& palette, Fault& fault) {
  const Regions regions(view, palette);
  return !FirstFault(view, palette, regions, regions.Main(), fault);
}

bool RepairReach(View view, const Palette& palette) {
  // Each round brings at least the first fault into reach, so rounds are bounded by the number of things.
  for (int round = 0; round <= view.area(); ++round) {
    const Regions regions(view, palette);
    const int main = regions.Main();
    Fault fault;
    if (!FirstFault(view, palette, regions, main, fault)) return true;
    const Point goal = fault.place;
    const bool stand = palette.Kind(fault.symbol) == SymbolKind::kAgent;  // else beside it is enough
    const bool dug = main != kUnknown && Dig(view, palette, regions, main, [&](Point at) {
                       const int distance = std::abs(at.row - goal.row) + std::abs(at.column - goal.column);
                       return stand ? distance == 0 : distance == 1;
                     });
    if (!dug) return false;
  }
  return false;
}

void ConnectAll(View view, const Palette& palette) {
  while (true) {
    const Regions regions(view, palette);
    const int main = regions.Main();
    if (regions.count() <= 1) return;
    const bool dug = Dig(view, palette, regions, main, [&](Point at) {
      const int region = regions.Of(at.row, at.column);
      return region >= 0 && region != main;
    });
    if (!dug) return;  // the rest is shut in by objects
  }
}

}  // namespace mettagrid::maps
