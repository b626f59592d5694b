#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "mettagrid/core/check.h"

namespace mettagrid::maps {

// What a cell of a drawing holds: nothing, or an entry of the palette.
using Symbol = std::uint8_t;
inline constexpr Symbol kFree = 0;

struct Point {
  int row = 0;
  int column = 0;

  friend bool operator==(const Point&, const Point&) = default;
};

struct Box {
  int row = 0;
  int column = 0;
  int height = 0;
  int width = 0;

  int area() const { return height * width; }
  Point center() const { return {row + height / 2, column + width / 2}; }
  bool Contains(const Box& other) const {
    return other.row >= row && other.column >= column && other.row + other.height <= row + height &&
           other.column + other.width <= column + width;
  }
  bool Overlaps(const Box& other) const {
    return row < other.row + other.height && other.row < row + height && column < other.column + other.width &&
           other.column < column + width;
  }
  friend bool operator==(const Box&, const Box&) = default;
};

// A grid of symbols.
class Canvas {
 public:
  Canvas() = default;
  Canvas(int height, int width) { Resize(height, width); }

  // All cells become free.
  void Resize(int height, int width) {
    height_ = height;
    width_ = width;
    cells_.assign(static_cast<std::size_t>(height) * static_cast<std::size_t>(width), kFree);
  }

  int height() const { return height_; }
  int width() const { return width_; }
  Box box() const { return {0, 0, height_, width_}; }
  std::vector<Symbol>& cells() { return cells_; }
  const std::vector<Symbol>& cells() const { return cells_; }

  Symbol& At(int row, int column) { return cells_[Index(row, column)]; }
  Symbol At(int row, int column) const { return cells_[Index(row, column)]; }

  friend bool operator==(const Canvas&, const Canvas&) = default;

 private:
  std::size_t Index(int row, int column) const {
    MG_DCHECK(row >= 0 && row < height_ && column >= 0 && column < width_);
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(column);
  }

  int height_ = 0;
  int width_ = 0;
  std::vector<Symbol> cells_;
};

// A rectangle of a canvas with its own coordinates: what a generator draws on.
class View {
 public:
  View(Canvas& canvas, const Box& box) : canvas_(&canvas), box_(box) { MG_DCHECK(canvas.box().Contains(box)); }
  explicit View(Canvas& canvas) : View(canvas, canvas.box()) {}

  int height() const { return box_.height; }
  int width() const { return box_.width; }
  int area() const { return box_.area(); }
  const Box& box() const { return box_; }  // in the canvas's coordinates
  Box local() const { return {0, 0, box_.height, box_.width}; }
  bool Contains(int row, int column) const {
    return row >= 0 && row < box_.height && column >= 0 && column < box_.width;
  }
  Symbol& At(int row, int column) const { return canvas_->At(box_.row + row, box_.column + column); }

  void Fill(Symbol symbol) const { FillBox(local(), symbol); }
  // The part of `box` that lies within the view.
  void FillBox(const Box& box, Symbol symbol) const {
    const int last_row = std::min(box.row + box.height, height());
    const int last_column = std::min(box.column + box.width, width());
    for (int row = std::max(box.row, 0); row < last_row; ++row) {
      for (int column = std::max(box.column, 0); column < last_column; ++column) At(row, column) = symbol;
    }
  }
  View Sub(const Box& box) const {
    return {*canvas_, {box_.row + box.row, box_.column + box.column, box.height, box.width}};
  }

 private:
  Canvas* canvas_;
  Box box_;
};

}  // namespace mettagrid::maps
