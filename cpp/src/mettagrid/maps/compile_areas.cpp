#include <algorithm>
#include <memory>

#include "mettagrid/core/check.h"
#include "mettagrid/core/types.h"
#include "mettagrid/maps/bsp.h"
#include "mettagrid/maps/connect.h"
#include "mettagrid/maps/draws.h"
#include "mettagrid/maps/scene_compiler.h"

// Scenes that divide their area or draw other scenes.

namespace mettagrid::maps {
namespace {

constexpr int kLeastZoneSide = 3;

std::function<Counts(std::uint64_t)> Nothing(const SceneCompiler& compiler) {
  return [none = compiler.None()](std::uint64_t) { return none; };
}

std::shared_ptr<const SceneNode> Inner(const std::string& key, const Boxed<SceneConfig>& scene,
                                       const SceneCompiler& compiler) {
  MG_CHECK(scene, ConfigError, key, " is missing, expected a scene.");
  return std::make_shared<const SceneNode>(CompileScene(key, *scene, compiler.palette));
}

struct RoomGrid {
  int rows;
  int columns;
  int border;
  Symbol wall;

  // The sides of `count` rooms that share `length` cells; the first ones get the remainder.
  static std::vector<std::pair<int, int>> Lay(int length, int count, int border) {
    std::vector<std::pair<int, int>> tracks;
    const int available = length - (count - 1) * border;
    int start = 0;
    for (int i = 0; i < count; ++i) {
      const int size = available / count + (i < available % count ? 1 : 0);
      tracks.emplace_back(start, size);
      start += size + border;
    }
    return tracks;
  }
};

// Where an area of a layout stands: 0 at the low end of an axis, 1 in the middle, 2 at the high end.
struct Placement {
  int row;
  int column;
};

int Along(int place, int length, int size) { return place == 0 ? 0 : place == 1 ? (length - size) / 2 : length - size; }

}  // namespace

SceneNode Compile(const BspLayoutScene& config, const SceneCompiler& compiler) {
  const int count = compiler.Ranged("area_count", config.area_count, 1, 4096);
  SceneNode node;
  node.draw = [count, key = compiler.key](View view, RandomStream& random, SceneRun&) {
    std::vector<Box> zones = SplitArea(view.local(), count, kLeastZoneSide, random);
    MG_CHECK(static_cast<int>(zones.size()) == count, EnvError, key, ".area_count=", count, ": an area of ",
             view.width(), "x", view.height(), " has room for ", zones.size(), " zones of at least ", kLeastZoneSide,
             " cells a side. Lower it or enlarge the area.");
    return zones;
  };
  node.most = Nothing(compiler);
  for (int i = 0; i < count; ++i) node.area_tags.push_back({"zone", "zone_" + std::to_string(i)});
  return node;
}

SceneNode Compile(const RoomGridScene& config, const SceneCompiler& compiler) {
  const bool drawn = !config.layout.empty();
  MG_CHECK(drawn != (config.rows > 0 && config.columns > 0), ConfigError, compiler.key,
           " needs either rows and columns, or a layout: got rows=", config.rows, ", columns=", config.columns,
           " and a layout of ", config.layout.size(), " rows.");
  const auto rows = drawn ? static_cast<std::int64_t>(config.layout.size()) : config.rows;
  const auto columns = drawn ? static_cast<std::int64_t>(config.layout[0].size()) : config.columns;
  const RoomGrid grid{.rows = compiler.Ranged("rows", rows, 1, kMaxSide),
                      .columns = compiler.Ranged("columns", columns, 1, kMaxSide),
                      .border = compiler.Ranged("border_width", config.border_width, 0, kMaxSide),
                      .wall = compiler.Wall("border_object", config.border_object)};
  SceneNode node;
  for (int row = 0; row < grid.rows; ++row) {
    for (int column = 0; column < grid.columns; ++column) {
      std::vector<std::string> tags{"room", "room_" + std::to_string(row) + "_" + std::to_string(column)};
      if (drawn) {
        const auto& line = config.layout[static_cast<std::size_t>(row)];
        MG_CHECK(line.size() == config.layout[0].size(), ConfigError, compiler.Key("layout"), "[", row, "] has ",
                 line.size(), " tags, expected ", config.layout[0].size(), " as in the first row.");
        tags.push_back(line[static_cast<std::size_t>(column)]);
      }
      node.area_tags.push_back(std::move(tags));
    }
  }
  node.draw = [grid, key = compiler.key](View view, RandomStream&, SceneRun&) {
    const auto row_tracks = RoomGrid::Lay(view.height(), grid.rows, grid.border);
    const auto column_tracks = RoomGrid::Lay(view.width(), grid.columns, grid.border);
    MG_CHECK(row_tracks.back().second > 0 && column_tracks.back().second > 0, EnvError, key, ": ", grid.columns, "x",
             grid.rows, " rooms with border_width=", grid.border, " do not fit into an area of ", view.width(), "x",
             view.height(), ". Enlarge it, or lower border_width.");
    if (grid.border > 0) view.Fill(grid.wall);
    std::vector<Box> rooms;
    for (const auto& [row, height] : row_tracks) {
      for (const auto& [column, width] : column_tracks) rooms.push_back({row, column, height, width});
    }
    for (const Box& room : rooms) view.FillBox(room, kFree);
    return rooms;
  };
  node.most = Nothing(compiler);
  return node;
}

SceneNode Compile(const LayoutScene& config, const SceneCompiler& compiler) {
  struct Named {
    int width;
    int height;
    Placement placement;
    std::string tag;
  };
  std::vector<Named> areas;
  SceneNode node;
  for (std::size_t i = 0; i < config.areas.size(); ++i) {
    const LayoutAreaConfig& area = config.areas[i];
    const std::string key = compiler.Key("areas") + "[" + std::to_string(i) + "]";
    const SceneCompiler own{key, compiler.palette};
    const auto place = static_cast<int>(own.Choice(
        "placement", area.placement,
        {"north_west", "north", "north_east", "west", "center", "east", "south_west", "south", "south_east"}));
    MG_CHECK(!area.tag.empty(), ConfigError, key, ".tag is empty, expected a name that children can ask for.");
    areas.push_back({own.Ranged("width", area.width, 1, kMaxSide),
                     own.Ranged("height", area.height, 1, kMaxSide),
                     {place / 3, place % 3},
                     area.tag});
    node.area_tags.push_back({area.tag});
  }
  node.draw = [areas, key = compiler.key](View view, RandomStream&, SceneRun&) {
    std::vector<Box> boxes;
    for (const Named& area : areas) {
      MG_CHECK(area.width <= view.width() && area.height <= view.height(), EnvError, key, ": area '", area.tag, "' of ",
               area.width, "x", area.height, " does not fit into ", view.width(), "x", view.height(), " cells.");
      const Box box{Along(area.placement.row, view.height(), area.height),
                    Along(area.placement.column, view.width(), area.width), area.height, area.width};
      for (std::size_t i = 0; i < boxes.size(); ++i) {
        MG_CHECK(!box.Overlaps(boxes[i]), EnvError, key, ": areas '", areas[i].tag, "' and '", area.tag,
                 "' overlap in ", view.width(), "x", view.height(), " cells. Enlarge the map, or place them apart.");
      }
      boxes.push_back(box);
    }
    return boxes;
  };
  node.most = Nothing(compiler);
  return node;
}

SceneNode Compile(const MirrorScene& config, const SceneCompiler& compiler) {
  const auto symmetry = compiler.Choice("symmetry", config.symmetry, {"horizontal", "vertical", "x4"});
  const auto inner = Inner(compiler.Key("scene"), config.scene, compiler);
  const bool across = symmetry != 1;  // left and right halves are alike
  const bool down = symmetry != 0;    // upper and lower halves are alike
  SceneNode node;
  node.draw = [=](View view, RandomStream&, SceneRun& run) {
    const int height = down ? (view.height() + 1) / 2 : view.height();
    const int width = across ? (view.width() + 1) / 2 : view.width();
    DrawScene(*inner, view.Sub({0, 0, height, width}), run);
    for (int row = 0; row < view.height(); ++row) {
      for (int column = 0; column < view.width(); ++column) {
        const int from_row = row < height ? row : view.height() - 1 - row;
        const int from_column = column < width ? column : view.width() - 1 - column;
        view.At(row, column) = view.At(from_row, from_column);
      }
    }
    return std::vector<Box>{};
  };
  node.most = [inner, times = std::uint64_t{across && down ? 4U : 2U}](std::uint64_t area) {
    Counts most = MostDrawn(*inner, area);
    for (std::uint64_t& count : most) count *= times;
    return most;
  };
  return node;
}

SceneNode Compile(const RandomChoiceScene& config, const SceneCompiler& compiler) {
  MG_CHECK(!config.candidates.empty(), ConfigError, compiler.Key("candidates"), " is empty, expected scenes.");
  struct Candidate {
    std::shared_ptr<const SceneNode> scene;
    double until;  // sum of the weights so far
  };
  std::vector<Candidate> candidates;
  double total = 0.0;
  for (std::size_t i = 0; i < config.candidates.size(); ++i) {
    const CandidateConfig& candidate = config.candidates[i];
    const std::string key = compiler.Key("candidates") + "[" + std::to_string(i) + "]";
    MG_CHECK(candidate.weight >= 0.0 && candidate.weight <= 1e9, ConfigError, key, ".weight=", candidate.weight,
             ", expected 0 .. 1e9.");
    total += candidate.weight;
    candidates.push_back({Inner(key + ".scene", candidate.scene, compiler), total});
  }
  MG_CHECK(total > 0.0, ConfigError, compiler.Key("candidates"), " have no weight, expected a sum above 0.");
  SceneNode node;
  node.draw = [candidates, total](View view, RandomStream& random, SceneRun& run) {
    const double pick = Uniform(random) * total;
    std::size_t chosen = 0;
    while (chosen + 1 < candidates.size() && pick >= candidates[chosen].until) ++chosen;
    DrawScene(*candidates[chosen].scene, view, run);
    return std::vector<Box>{};
  };
  node.most = [candidates, none = compiler.None()](std::uint64_t area) {
    Counts most = none;
    for (const Candidate& candidate : candidates) {
      const Counts one = MostDrawn(*candidate.scene, area);
      for (std::size_t i = 0; i < most.size(); ++i) most[i] = std::max(most[i], one[i]);
    }
    return most;
  };
  return node;
}

SceneNode Compile(const MakeConnectedScene&, const SceneCompiler& compiler) {
  SceneNode node;
  node.draw = [](View view, RandomStream&, SceneRun& run) {
    ConnectAll(view, run.palette);
    return std::vector<Box>{};
  };
  node.most = Nothing(compiler);
  return node;
}

}  // namespace mettagrid::maps
