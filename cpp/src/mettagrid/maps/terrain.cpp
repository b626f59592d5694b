#include "mettagrid/maps/terrain.h"

#include <algorithm>
#include <vector>

#include "mettagrid/maps/draws.h"
#include "mettagrid/maps/maze.h"

namespace mettagrid::maps {
namespace {

struct Span {
  int least;
  int most;
};

// Obstacles on 60x60 cells.
struct Counts {
  Span large;
  Span small;
  Span crosses;
  Span labyrinths;
  Span scattered;
};

constexpr Counts kCounts[] = {
    {{1, 2}, {2, 4}, {2, 4}, {0, 1}, {15, 25}},        // sparse
    {{4, 8}, {6, 10}, {6, 10}, {2, 4}, {40, 60}},      // balanced
    {{9, 14}, {16, 24}, {12, 18}, {2, 5}, {80, 120}},  // dense
    {{0, 0}, {0, 2}, {0, 2}, {16, 24}, {10, 20}},      // maze
};
constexpr double kReferenceArea = 3600.0;
constexpr double kMostCovered = 0.3;
constexpr int kTries = 20;

class Terrain {
 public:
  Terrain(View view, Symbol wall, RandomStream& random)
      : view_(view), wall_(wall), random_(random), room_(static_cast<int>(kMostCovered * view.area())) {}

  void Draw(const Counts& counts) {
    // Large things first, while there is room for them.
    Repeat(counts.labyrinths, [this] { return Labyrinth(); });
    Repeat(counts.large, [this] { return Blob(Between(random_, 10, 25)); });
    Repeat(counts.crosses, [this] { return Cross(); });
    Repeat(counts.small, [this] { return Blob(Between(random_, 3, 6)); });
    Repeat(counts.scattered, [this] { return Blob(1); });
  }

 private:
  template <class Obstacle>
  void Repeat(const Span& span, Obstacle obstacle) {
    const double scale = view_.area() / kReferenceArea;
    const double wanted = Between(random_, span.least, span.most) * scale;
    // The fraction is a chance, so that small maps have their share on average.
    const int count = static_cast<int>(wanted + Uniform(random_));
    for (int i = 0; i < count && room_ > 0; ++i) {
      for (int attempt = 0; attempt < kTries && !obstacle(); ++attempt) {
      }
    }
  }

  // Draws the shape when it and the cells around it are free, off the view's edge, and the cover allows it.
  bool Stamp(const Canvas& shape) {
    const Box inside{1, 1, view_.height() - 2, view_.width() - 2};
    if (shape.height() > inside.height || shape.width() > inside.width) return false;
    const int top = Between(random_, inside.row, inside.row + inside.height - shape.height());
    const int left = Between(random_, inside.column, inside.column + inside.width - shape.width());
    for (int row = top - 1; row <= top + shape.height(); ++row) {
      for (int column = left - 1; column <= left + shape.width(); ++column) {
        if (view_.At(row, column) != kFree) return false;
      }
    }
    const auto cover = std::count_if(shape.cells().begin(), shape.cells().end(), [](Symbol s) { return s != kFree; });
    if (cover > room_) return false;
    room_ -= static_cast<int>(cover);
    for (int row = 0; row < shape.height(); ++row) {
      for (int column = 0; column < shape.width(); ++column) view_.At(top + row, left + column) = shape.At(row, column);
    }
    return true;
  }

  // A walk that turns at random and marks `size` cells; it never encloses a free cell that it could not leave again
  // through a gap, because holes are filled.
  bool Blob(int size) {
    constexpr int kSide = 11;
    Canvas shape(kSide, kSide);
    int row = kSide / 2;
    int column = kSide / 2;
    for (int marked = 0; marked < size;) {
      if (shape.At(row, column) == kFree) {
        shape.At(row, column) = wall_;
        ++marked;
      }
      const int turn = Between(random_, 0, 3);
      row = std::clamp(row + (turn == 0) - (turn == 1), 0, kSide - 1);
      column = std::clamp(column + (turn == 2) - (turn == 3), 0, kSide - 1);
    }
    FillHoles(shape);
    return Stamp(Cropped(shape));
  }

  bool Cross() {
    const int height = 2 * Between(random_, 1, 3) + 1;
    const int width = 2 * Between(random_, 1, 3) + 1;
    Canvas shape(height, width);
    const View view(shape);
    view.FillBox({height / 2, 0, 1, width}, wall_);
    view.FillBox({0, width / 2, height, 1}, wall_);
    return Stamp(shape);
  }

  // A walled maze of at most 11x11 with an opening on two sides.
  bool Labyrinth() {
    const int height = 2 * Between(random_, 3, 5) + 1;
    const int width = 2 * Between(random_, 3, 5) + 1;
    Canvas shape(height, width);
    const View view(shape);
    view.Fill(wall_);
    DrawMaze(view.Sub({1, 1, height - 2, width - 2}), {.algorithm = MazeAlgorithm::kDepthFirst, .wall = wall_},
             random_);
    shape.At(0, 1 + 2 * Between(random_, 0, (width - 3) / 2)) = kFree;
    shape.At(height - 1, 1 + 2 * Between(random_, 0, (width - 3) / 2)) = kFree;
    return Stamp(shape);
  }

  // Free cells that cannot be walked to from the shape's edge become wall.
  void FillHoles(Canvas& shape) const {
    std::vector<Point> open;
    std::vector<bool> reached(shape.cells().size(), false);
    const auto reach = [&](int row, int column) {
      if (row < 0 || column < 0 || row >= shape.height() || column >= shape.width()) return;
      const auto index = static_cast<std::size_t>(row * shape.width() + column);
      if (reached[index] || shape.At(row, column) != kFree) return;
      reached[index] = true;
      open.push_back({row, column});
    };
    for (int i = 0; i < shape.height(); ++i) {
      reach(i, 0);
      reach(i, shape.width() - 1);
      reach(0, i);
      reach(shape.height() - 1, i);
    }
    while (!open.empty()) {
      const Point at = open.back();
      open.pop_back();
      reach(at.row - 1, at.column);
      reach(at.row + 1, at.column);
      reach(at.row, at.column - 1);
      reach(at.row, at.column + 1);
    }
    for (std::size_t i = 0; i < reached.size(); ++i) {
      if (!reached[i]) shape.cells()[i] = wall_;
    }
  }

  static Canvas Cropped(const Canvas& shape) {
    int top = shape.height();
    int left = shape.width();
    int bottom = 0;
    int right = 0;
    for (int row = 0; row < shape.height(); ++row) {
      for (int column = 0; column < shape.width(); ++column) {
        if (shape.At(row, column) == kFree) continue;
        top = std::min(top, row);
        left = std::min(left, column);
        bottom = std::max(bottom, row + 1);
        right = std::max(right, column + 1);
      }
    }
    Canvas cropped(bottom - top, right - left);
    for (int row = top; row < bottom; ++row) {
      for (int column = left; column < right; ++column) cropped.At(row - top, column - left) = shape.At(row, column);
    }
    return cropped;
  }

  View view_;
  Symbol wall_;
  RandomStream& random_;
  int room_;  // cells that may still be covered
};

}  // namespace

void DrawTerrain(View view, TerrainStyle style, Symbol wall, RandomStream& random) {
  Terrain(view, wall, random).Draw(kCounts[static_cast<std::size_t>(style)]);
}

}  // namespace mettagrid::maps
