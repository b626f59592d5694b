#include "mettagrid/maps/maze.h"

#include <numeric>
#include <vector>

#include "mettagrid/maps/draws.h"

namespace mettagrid::maps {
namespace {

struct Track {
  int start;
  int size;
};

// Rooms along one axis: as many as fit, each with its own size, with a wall of its own size between two.
std::vector<Track> LayTracks(int length, const MazeParams& params, RandomStream& random) {
  std::vector<Track> tracks;
  int start = 0;
  while (true) {
    const int size = Between(random, params.room_least, params.room_most);
    const int gap = Between(random, params.wall_least, params.wall_most);
    if (start + size > length) break;
    tracks.push_back({start, size});
    start += size + gap;
  }
  // A view narrower than one room is one room.
  if (tracks.empty()) tracks.push_back({0, length});
  return tracks;
}

struct Wall {
  std::uint32_t from;
  std::uint32_t to;
};

class Maze {
 public:
  Maze(View view, const MazeParams& params, RandomStream& random)
      : view_(view),
        random_(random),
        rows_(LayTracks(view.height(), params, random)),
        columns_(LayTracks(view.width(), params, random)),
        width_(static_cast<std::uint32_t>(columns_.size())) {
    view.Fill(params.wall);
    for (std::uint32_t room = 0; room < size(); ++room) view_.FillBox(BoxOf(room), kFree);
  }

  // Walls in random order; one falls when it parts two regions.
  void Kruskal() {
    std::vector<Wall> walls;
    for (std::uint32_t room = 0; room < size(); ++room) {
      if (room % width_ + 1 < width_) walls.push_back({room, room + 1});
      if (room + width_ < size()) walls.push_back({room, room + width_});
    }
    random_.ShuffleFirst(std::span(walls), walls.size());
    std::vector<std::uint32_t> root(size());
    std::iota(root.begin(), root.end(), 0U);
    const auto find = [&root](std::uint32_t room) {
      while (root[room] != room) room = root[room] = root[root[room]];
      return room;
    };
    for (const Wall& wall : walls) {
      const std::uint32_t a = find(wall.from);
      const std::uint32_t b = find(wall.to);
      if (a == b) continue;
      root[a] = b;
      Open(wall);
    }
  }

  // Grows from a random room through a random wall of the region so far.
  void Prim() {
    std::vector<bool> inside(size(), false);
    std::vector<Wall> border;
    const auto enter = [&](std::uint32_t room) {
      inside[room] = true;
      ForNeighbours(room, [&](std::uint32_t next) {
        if (!inside[next]) border.push_back({room, next});
      });
    };
    enter(random_.Below(size()));
    while (!border.empty()) {
      std::swap(border[random_.Below(static_cast<std::uint32_t>(border.size()))], border.back());
      const Wall wall = border.back();
      border.pop_back();
      if (inside[wall.to]) continue;
      Open(wall);
      enter(wall.to);
    }
  }

  // Walks at random as long as there is a new room, then goes back: long winding corridors.
  void DepthFirst() {
    std::vector<bool> inside(size(), false);
    std::vector<std::uint32_t> path{random_.Below(size())};
    inside[path[0]] = true;
    while (!path.empty()) {
      const std::uint32_t room = path.back();
      std::uint32_t choices[4];
      std::uint32_t count = 0;
      ForNeighbours(room, [&](std::uint32_t next) {
        if (!inside[next]) choices[count++] = next;
      });
      if (count == 0) {
        path.pop_back();
        continue;
      }
      const std::uint32_t next = choices[random_.Below(count)];
      Open({room, next});
      inside[next] = true;
      path.push_back(next);
    }
  }

 private:
  std::uint32_t size() const { return width_ * static_cast<std::uint32_t>(rows_.size()); }

  Box BoxOf(std::uint32_t room) const {
    const Track& row = rows_[room / width_];
    const Track& column = columns_[room % width_];
    return {row.start, column.start, row.size, column.size};
  }

  template <class Function>
  void ForNeighbours(std::uint32_t room, Function function) const {
    if (room >= width_) function(room - width_);
    if (room + width_ < size()) function(room + width_);
    if (room % width_ > 0) function(room - 1);
    if (room % width_ + 1 < width_) function(room + 1);
  }

  void Open(const Wall& wall) {
    const Box a = BoxOf(std::min(wall.from, wall.to));
    const Box b = BoxOf(std::max(wall.from, wall.to));
    if (a.row == b.row) {
      view_.FillBox({a.row, a.column + a.width, a.height, b.column - a.column - a.width}, kFree);
    } else {
      view_.FillBox({a.row + a.height, a.column, b.row - a.row - a.height, a.width}, kFree);
    }
  }

  View view_;
  RandomStream& random_;
  std::vector<Track> rows_;
  std::vector<Track> columns_;
  std::uint32_t width_;
};

// sin and cos of a turn's fraction by their power series: sums and products are the same on every machine, libm is not.
struct Direction {
  double row;
  double column;
};

Direction DirectionOf(int arm, int arms) {
  constexpr double kTurn = 6.283185307179586;
  double angle = kTurn * arm / arms;
  if (angle > kTurn / 2) angle -= kTurn;
  double sine = 0.0;
  double cosine = 0.0;
  double term = 1.0;
  for (int i = 0; i < 32; i += 2) {
    cosine += term;
    term *= angle / (i + 1);
    sine += term;
    term *= -angle / (i + 2);
  }
  return {-cosine, sine};  // clockwise from north
}

}  // namespace

void DrawMaze(View view, const MazeParams& params, RandomStream& random) {
  if (view.area() == 0) return;
  Maze maze(view, params, random);
  switch (params.algorithm) {
    case MazeAlgorithm::kKruskal:
      return maze.Kruskal();
    case MazeAlgorithm::kPrim:
      return maze.Prim();
    case MazeAlgorithm::kDepthFirst:
      return maze.DepthFirst();
  }
}

RadialMazeAreas DrawRadialMaze(View view, const RadialMazeParams& params) {
  view.Fill(params.wall);
  const int width = params.arm_width;
  const Point middle{view.height() / 2, view.width() / 2};
  const int fitting = (std::min(view.height(), view.width()) - width) / 2;
  const int length = std::max(0, params.arm_length == 0 ? fitting : std::min(params.arm_length, fitting));
  const auto stamp = [&](double distance, const Direction& direction) {
    // Half up: truncation would bend arms that point to smaller coordinates.
    const int row = static_cast<int>(middle.row + direction.row * distance + 1024.5) - 1024;
    const int column = static_cast<int>(middle.column + direction.column * distance + 1024.5) - 1024;
    return Box{row - width / 2, column - width / 2, width, width};
  };
  RadialMazeAreas areas{stamp(0, {0, 0}), {}};
  for (int arm = 0; arm < params.arms; ++arm) {
    const Direction direction = DirectionOf(arm, params.arms);
    Box before = areas.center;
    for (int half = 0; half <= 2 * length; ++half) {
      const Box box = stamp(0.5 * half, direction);
      view.FillBox(box, kFree);
      // A diagonal step of an arm one cell wide would leave its cells touching at their corners only.
      view.FillBox({box.row, before.column, box.height, box.width}, kFree);
      before = box;
    }
    areas.endpoints.push_back(stamp(length, direction));
  }
  return areas;
}

}  // namespace mettagrid::maps
