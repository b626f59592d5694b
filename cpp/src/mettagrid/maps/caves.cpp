#include <cstddef>
#include <vector>

#include "mettagrid/maps/draws.h"
#include "mettagrid/maps/terrain.h"

namespace mettagrid::maps {

void DrawCaves(View view, const CavesParams& params, RandomStream& random) {
  // A frame of walls around the cells saves the question whether a neighbour is outside.
  const int stride = view.width() + 2;
  const auto at = [stride](int row, int column) {
    return static_cast<std::size_t>(row + 1) * static_cast<std::size_t>(stride) + static_cast<std::size_t>(column + 1);
  };
  std::vector<std::uint8_t> walls(at(view.height(), view.width()) + 1, 1);
  for (int row = 0; row < view.height(); ++row) {
    for (int column = 0; column < view.width(); ++column)
      walls[at(row, column)] = Uniform(random) < params.fill ? 1 : 0;
  }
  std::vector<std::uint8_t> next = walls;
  const auto width = static_cast<std::size_t>(stride);
  for (int step = 0; step < params.steps; ++step) {
    for (int row = 0; row < view.height(); ++row) {
      for (int column = 0; column < view.width(); ++column) {
        const std::size_t i = at(row, column);
        const int around = walls[i - width - 1] + walls[i - width] + walls[i - width + 1] + walls[i - 1] +
                           walls[i + 1] + walls[i + width - 1] + walls[i + width] + walls[i + width + 1];
        next[i] = walls[i] != 0 ? around >= params.death : around >= params.birth;
      }
    }
    walls.swap(next);
  }
  for (int row = 0; row < view.height(); ++row) {
    for (int column = 0; column < view.width(); ++column) {
      view.At(row, column) = walls[at(row, column)] != 0 ? params.wall : kFree;
    }
  }
}

}  // namespace mettagrid::maps
