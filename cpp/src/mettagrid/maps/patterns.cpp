#include "mettagrid/maps/patterns.h"

#include <map>
#include <string>

namespace mettagrid::maps {
namespace {

using Cells = std::vector<Symbol>;

Cells Reflected(const Cells& cells, int size) {
  Cells out(cells.size());
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      out[static_cast<std::size_t>(row * size + column)] =
          cells[static_cast<std::size_t>(row * size + size - 1 - column)];
    }
  }
  return out;
}

// A quarter turn clockwise.
Cells Turned(const Cells& cells, int size) {
  Cells out(cells.size());
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      out[static_cast<std::size_t>(column * size + size - 1 - row)] =
          cells[static_cast<std::size_t>(row * size + column)];
    }
  }
  return out;
}

std::vector<Cells> Variants(const Cells& cells, int size, PatternSymmetry symmetry) {
  std::vector<Cells> variants{cells};
  switch (symmetry) {
    case PatternSymmetry::kNone:
      break;
    case PatternSymmetry::kHorizontal:
      variants.push_back(Reflected(cells, size));
      break;
    case PatternSymmetry::kVertical:
      variants.push_back(Turned(Turned(Reflected(cells, size), size), size));
      break;
    case PatternSymmetry::kAll:
      for (int turn = 0; turn < 3; ++turn) variants.push_back(Turned(variants.back(), size));
      for (int turn = 0; turn < 4; ++turn)
        variants.push_back(Reflected(variants[static_cast<std::size_t>(turn)], size));
      break;
  }
  return variants;
}

}  // namespace

std::vector<Pattern> ReadPatterns(const Sample& sample) {
  const Canvas& drawing = sample.drawing;
  const int size = sample.pattern_size;
  const int last_row = sample.periodic ? drawing.height() : drawing.height() - size + 1;
  const int last_column = sample.periodic ? drawing.width() : drawing.width() - size + 1;
  std::vector<Pattern> patterns;
  std::map<std::string, std::size_t> known;
  for (int row = 0; row < last_row; ++row) {
    for (int column = 0; column < last_column; ++column) {
      Cells cells;
      for (int dr = 0; dr < size; ++dr) {
        for (int dc = 0; dc < size; ++dc) {
          cells.push_back(drawing.At((row + dr) % drawing.height(), (column + dc) % drawing.width()));
        }
      }
      for (Cells& variant : Variants(cells, size, sample.symmetry)) {
        const auto [found, is_new] = known.emplace(std::string(variant.begin(), variant.end()), patterns.size());
        if (is_new) {
          patterns.push_back({std::move(variant), 1});
        } else {
          ++patterns[found->second].weight;
        }
      }
    }
  }
  return patterns;
}

}  // namespace mettagrid::maps
