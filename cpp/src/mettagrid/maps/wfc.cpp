#include <algorithm>
#include <array>
#include <limits>

#include "mettagrid/core/check.h"
#include "mettagrid/maps/draws.h"
#include "mettagrid/maps/patterns.h"

namespace mettagrid::maps {
namespace {

constexpr std::size_t kMostPatterns = 4096;
constexpr std::size_t kNumDirections = 4;
constexpr std::array<Point, kNumDirections> kSteps = {Point{-1, 0}, Point{1, 0}, Point{0, -1}, Point{0, 1}};
constexpr std::array<std::size_t, kNumDirections> kOpposite = {1, 0, 3, 2};

// Whether `b` may stand one step from `a`: where they overlap, they agree.
bool Fits(const Pattern& a, const Pattern& b, int size, Point step) {
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      const int r = row - step.row;
      const int c = column - step.column;
      if (r < 0 || c < 0 || r >= size || c >= size) continue;
      if (a.cells[static_cast<std::size_t>(row * size + column)] != b.cells[static_cast<std::size_t>(r * size + c)]) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

// One attempt: which patterns are still possible in each cell of the wave, and how many neighbours support each.
class WfcRun {
 public:
  WfcRun(const WfcModel& model, int height, int width, RandomStream& random)
      : model_(model), height_(height), width_(width), random_(random), num_patterns_(model.patterns_.size()) {}

  bool Try() {
    if (!Start()) return false;
    while (true) {
      const std::size_t cell = NextCell();
      if (cell == kNone) return true;
      if (!Collapse(cell) || !Propagate()) return false;
    }
  }

  void Paint(View view) const {
    for (int row = 0; row < view.height(); ++row) {
      for (int column = 0; column < view.width(); ++column) {
        const int r = std::min(row, height_ - 1);
        const int c = std::min(column, width_ - 1);
        const Pattern& pattern = model_.patterns_[Chosen(static_cast<std::size_t>(r * width_ + c))];
        const int inside = (row - r) * model_.size_ + column - c;
        view.At(row, column) = pattern.cells[static_cast<std::size_t>(inside)];
      }
    }
  }

 private:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  struct Cell {
    std::uint32_t left = 0;    // patterns still possible
    std::uint64_t weight = 0;  // sum of their weights
    FixedLog spread = 0;       // sum of weight * log2(weight)
  };

  std::size_t num_cells() const { return static_cast<std::size_t>(height_ * width_); }

  std::size_t Neighbour(std::size_t cell, std::size_t direction) const {
    const int row = static_cast<int>(cell) / width_ + kSteps[direction].row;
    const int column = static_cast<int>(cell) % width_ + kSteps[direction].column;
    if (row < 0 || column < 0 || row >= height_ || column >= width_) return kNone;
    return static_cast<std::size_t>(row * width_ + column);
  }

  bool Start() {
    Cell full;
    for (const Pattern& pattern : model_.patterns_) {
      ++full.left;
      full.weight += pattern.weight;
      full.spread += pattern.weight * Log2Fixed(pattern.weight);
    }
    cells_.assign(num_cells(), full);
    possible_.assign(num_cells() * num_patterns_, 1);
    support_.resize(num_cells() * num_patterns_ * kNumDirections);
    stack_.clear();
    for (std::size_t cell = 0; cell < num_cells(); ++cell) {
      for (std::size_t pattern = 0; pattern < num_patterns_; ++pattern) {
        for (std::size_t d = 0; d < kNumDirections; ++d) {
          support_[(cell * num_patterns_ + pattern) * kNumDirections + d] =
              static_cast<std::uint16_t>(model_.fitting_[d][pattern].size());
        }
      }
    }
    for (std::size_t cell = 0; cell < num_cells(); ++cell) {
      for (std::size_t d = 0; d < kNumDirections; ++d) {
        if (Neighbour(cell, d) == kNone) continue;
        for (std::size_t pattern = 0; pattern < num_patterns_; ++pattern) {
          if (model_.fitting_[d][pattern].empty()) Ban(cell, pattern);
        }
      }
    }
    return Propagate();
  }

  void Ban(std::size_t cell, std::size_t pattern) {
    std::uint8_t& possible = possible_[cell * num_patterns_ + pattern];
    if (possible == 0) return;
    possible = 0;
    const std::uint32_t weight = model_.patterns_[pattern].weight;
    Cell& state = cells_[cell];
    --state.left;
    state.weight -= weight;
    state.spread -= weight * Log2Fixed(weight);
    stack_.push_back({cell, pattern});
  }

  bool Propagate() {
    while (!stack_.empty()) {
      const Banned banned = stack_.back();
      stack_.pop_back();
      if (cells_[banned.cell].left == 0) return false;
      for (std::size_t d = 0; d < kNumDirections; ++d) {
        const std::size_t next = Neighbour(banned.cell, d);
        if (next == kNone) continue;
        for (const std::uint16_t pattern : model_.fitting_[d][banned.pattern]) {
          const std::size_t slot = (next * num_patterns_ + pattern) * kNumDirections + kOpposite[d];
          if (--support_[slot] == 0) Ban(next, pattern);
        }
      }
    }
    return true;
  }

  // The open cell to decide next, or kNone when all are decided. Ties are broken at random, except in scan order.
  std::size_t NextCell() {
    std::size_t best = kNone;
    FixedLog best_score = std::numeric_limits<FixedLog>::max();
    std::uint32_t ties = 1;
    for (std::size_t cell = 0; cell < cells_.size(); ++cell) {
      const Cell& state = cells_[cell];
      if (state.left <= 1) continue;
      if (model_.heuristic_ == WfcHeuristic::kScanline) return cell;
      const FixedLog score = model_.heuristic_ == WfcHeuristic::kFewestLeft ? state.left : Entropy(state);
      if (score < best_score) {
        best = cell;
        best_score = score;
        ties = 1;
      } else if (score == best_score && random_.Below(++ties) == 0) {
        best = cell;
      }
    }
    return best;
  }

  // log2(W) - sum(w log2 w) / W.
  static FixedLog Entropy(const Cell& state) {
    return Log2Fixed(static_cast<std::uint32_t>(state.weight)) - state.spread / static_cast<FixedLog>(state.weight);
  }

  bool Collapse(std::size_t cell) {
    std::uint64_t pick = random_.Below(static_cast<std::uint32_t>(cells_[cell].weight));
    std::size_t chosen = num_patterns_;
    for (std::size_t pattern = 0; pattern < num_patterns_; ++pattern) {
      if (possible_[cell * num_patterns_ + pattern] == 0) continue;
      const std::uint32_t weight = model_.patterns_[pattern].weight;
      if (chosen == num_patterns_ && pick < weight) {
        chosen = pattern;
      } else {
        if (chosen == num_patterns_) pick -= weight;
        Ban(cell, pattern);
      }
    }
    return chosen != num_patterns_;
  }

  std::size_t Chosen(std::size_t cell) const {
    std::size_t pattern = 0;
    while (possible_[cell * num_patterns_ + pattern] == 0) ++pattern;
    return pattern;
  }

  struct Banned {
    std::size_t cell;
    std::size_t pattern;
  };

  const WfcModel& model_;
  int height_;
  int width_;
  RandomStream& random_;
  std::size_t num_patterns_;
  std::vector<Cell> cells_;
  std::vector<std::uint8_t> possible_;  // [cell][pattern]
  std::vector<std::uint16_t> support_;  // [cell][pattern][direction]
  std::vector<Banned> stack_;
};

WfcModel::WfcModel(const Sample& sample, WfcHeuristic heuristic)
    : size_(sample.pattern_size), heuristic_(heuristic), patterns_(ReadPatterns(sample)) {
  MG_CHECK(patterns_.size() <= kMostPatterns, ConfigError, "the wfc pattern holds ", patterns_.size(),
           " different patterns, expected at most ", kMostPatterns, ". Draw a smaller one or lower pattern_size.");
  for (std::size_t d = 0; d < kNumDirections; ++d) {
    fitting_[d].resize(patterns_.size());
    for (std::size_t a = 0; a < patterns_.size(); ++a) {
      for (std::size_t b = 0; b < patterns_.size(); ++b) {
        if (Fits(patterns_[a], patterns_[b], size_, kSteps[d])) fitting_[d][a].push_back(static_cast<std::uint16_t>(b));
      }
    }
  }
}

bool WfcModel::Draw(View view, int attempts, RandomStream& random) const {
  WfcRun run(*this, view.height() - size_ + 1, view.width() - size_ + 1, random);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (!run.Try()) continue;
    run.Paint(view);
    return true;
  }
  return false;
}

}  // namespace mettagrid::maps
