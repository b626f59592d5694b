#include "mettagrid/maps/bsp.h"

#include <algorithm>

#include "mettagrid/maps/draws.h"

namespace mettagrid::maps {
namespace {

struct Part {
  Box box;
  int left = -1;  // indices of the halves; -1: not split
  int right = -1;
};

// Splits `part` across its longer side, or the other one if only that is long enough.
bool Split(std::vector<Part>& parts, std::size_t index, int least_side, RandomStream& random) {
  const Box box = parts[index].box;
  const bool tall = box.height >= 2 * least_side;
  const bool wide = box.width >= 2 * least_side;
  if (!tall && !wide) return false;
  const bool across_rows =
      tall && (!wide || box.height > box.width || (box.height == box.width && random.Below(2) == 0));
  const int side = across_rows ? box.height : box.width;
  const int cut = Between(random, least_side, side - least_side);
  Box first = box;
  Box second = box;
  if (across_rows) {
    first.height = cut;
    second.row += cut;
    second.height -= cut;
  } else {
    first.width = cut;
    second.column += cut;
    second.width -= cut;
  }
  parts[index].left = static_cast<int>(parts.size());
  parts[index].right = static_cast<int>(parts.size()) + 1;
  parts.push_back({first});
  parts.push_back({second});
  return true;
}

std::vector<Part> Partition(const Box& whole, int count, int least_side, RandomStream& random) {
  std::vector<Part> parts{{whole}};
  std::vector<std::size_t> open{0};  // leaves that may still be split
  for (int leaves = 1; leaves < count && !open.empty();) {
    const auto largest = std::max_element(open.begin(), open.end(), [&parts](std::size_t a, std::size_t b) {
      return parts[a].box.area() < parts[b].box.area();
    });
    const std::size_t index = *largest;
    open.erase(largest);
    if (!Split(parts, index, least_side, random)) continue;
    ++leaves;
    open.push_back(static_cast<std::size_t>(parts[index].left));
    open.push_back(static_cast<std::size_t>(parts[index].right));
  }
  return parts;
}

// One cell of wall remains at the right and bottom of each part, so that rooms never touch.
Box RoomIn(const Box& part, const BspParams& params, RandomStream& random) {
  const auto side = [&](int available) {
    const int most = std::max(1, available - 1);
    const double ratio = params.min_ratio + (params.max_ratio - params.min_ratio) * Uniform(random);
    return std::clamp(static_cast<int>(ratio * available + 0.5), std::min(params.min_room_size, most), most);
  };
  const int height = side(part.height);
  const int width = side(part.width);
  const int row = part.row + Between(random, 0, std::max(0, part.height - 1 - height));
  const int column = part.column + Between(random, 0, std::max(0, part.width - 1 - width));
  return {row, column, height, width};
}

Point DrawPoint(const Box& room, RandomStream& random) {
  return {Between(random, room.row, room.row + room.height - 1),
          Between(random, room.column, room.column + room.width - 1)};
}

// Along a row and a column, in either order.
void DrawCorridor(View view, Point from, Point to, RandomStream& random) {
  const bool row_first = random.Below(2) == 0;
  const int row = row_first ? from.row : to.row;
  const int column = row_first ? to.column : from.column;
  view.FillBox({row, std::min(from.column, to.column), 1, std::abs(from.column - to.column) + 1}, kFree);
  view.FillBox({std::min(from.row, to.row), column, std::abs(from.row - to.row) + 1, 1}, kFree);
}

}  // namespace

std::vector<Box> SplitArea(const Box& whole, int parts, int least_side, RandomStream& random) {
  std::vector<Box> leaves;
  for (const Part& part : Partition(whole, parts, least_side, random)) {
    if (part.left < 0) leaves.push_back(part.box);
  }
  return leaves;
}

std::vector<Box> DrawBsp(View view, const BspParams& params, RandomStream& random) {
  view.Fill(params.wall);
  if (view.area() == 0) return {};
  const std::vector<Part> parts = Partition(view.local(), params.rooms, params.min_room_size + 1, random);
  // Parts come after the one that they were cut from: backwards, both halves are known before their whole.
  std::vector<Box> rooms(parts.size());  // of an inner part: one of its rooms, where corridors end
  std::vector<Box> drawn;
  for (std::size_t i = parts.size(); i-- > 0;) {
    if (parts[i].left < 0) {
      rooms[i] = RoomIn(parts[i].box, params, random);
      view.FillBox(rooms[i], kFree);
      drawn.push_back(rooms[i]);
      continue;
    }
    const Box& left = rooms[static_cast<std::size_t>(parts[i].left)];
    const Box& right = rooms[static_cast<std::size_t>(parts[i].right)];
    if (!params.skip_corridors) DrawCorridor(view, DrawPoint(left, random), DrawPoint(right, random), random);
    rooms[i] = random.Below(2) == 0 ? left : right;
  }
  return drawn;
}

}  // namespace mettagrid::maps
