#include <memory>

#include "mettagrid/core/check.h"
#include "mettagrid/core/types.h"
#include "mettagrid/maps/bsp.h"
#include "mettagrid/maps/maze.h"
#include "mettagrid/maps/scene_compiler.h"
#include "mettagrid/maps/terrain.h"

// Scenes that fill their area with walls and carve.

namespace mettagrid::maps {
namespace {

constexpr std::int64_t kMostRooms = 4096;
constexpr std::int64_t kMostPatternSide = 8;

std::function<Counts(std::uint64_t)> Nothing(const SceneCompiler& compiler) {
  return [none = compiler.None()](std::uint64_t) { return none; };
}

// Any symbol of a texture's sample may fill the whole area.
std::function<Counts(std::uint64_t)> AnyOf(const Canvas& sample, const SceneCompiler& compiler) {
  std::vector<bool> used(compiler.palette.size(), false);
  for (const Symbol symbol : sample.cells()) used[symbol] = true;
  return [used](std::uint64_t area) {
    Counts most(used.size(), 0);
    for (std::size_t i = 0; i < used.size(); ++i) most[i] = used[i] ? area : 0;
    return most;
  };
}

std::pair<int, int> SizeRange(const char* name, const std::vector<std::int64_t>& range, const SceneCompiler& compiler) {
  MG_CHECK(range.size() == 2 && 1 <= range[0] && range[0] <= range[1] && range[1] <= kMaxSide, ConfigError,
           compiler.Key(name), " is no pair 1 <= least <= most <= ", kMaxSide, ". Write a number or [least, most].");
  return {static_cast<int>(range[0]), static_cast<int>(range[1])};
}

template <class Config>
Sample ReadSample(const Config& config, const SceneCompiler& compiler) {
  Sample sample{.drawing = compiler.Drawing("pattern", config.pattern, config.legend),
                .pattern_size = compiler.Ranged("pattern_size", config.pattern_size, 1, kMostPatternSide),
                .periodic = config.periodic_input,
                .symmetry = static_cast<PatternSymmetry>(
                    compiler.Choice("symmetry", config.symmetry, {"none", "horizontal", "vertical", "all"}))};
  MG_CHECK(sample.drawing.height() >= sample.pattern_size && sample.drawing.width() >= sample.pattern_size, ConfigError,
           compiler.Key("pattern"), " has ", sample.drawing.width(), "x", sample.drawing.height(),
           " cells, expected at least pattern_size=", sample.pattern_size, " on each side.");
  return sample;
}

}  // namespace

SceneNode Compile(const MazeScene& config, const SceneCompiler& compiler) {
  const auto [room_least, room_most] = SizeRange("room_size", config.room_size, compiler);
  const auto [wall_least, wall_most] = SizeRange("wall_size", config.wall_size, compiler);
  const MazeParams params{.algorithm = static_cast<MazeAlgorithm>(
                              compiler.Choice("algorithm", config.algorithm, {"kruskal", "prim", "dfs"})),
                          .room_least = room_least,
                          .room_most = room_most,
                          .wall_least = wall_least,
                          .wall_most = wall_most,
                          .wall = compiler.Wall("object", config.object)};
  SceneNode node;
  node.draw = [params](View view, RandomStream& random, SceneRun&) {
    DrawMaze(view, params, random);
    return std::vector<Box>{};
  };
  node.most = Nothing(compiler);
  return node;
}

SceneNode Compile(const RadialMazeScene& config, const SceneCompiler& compiler) {
  const RadialMazeParams params{.arms = compiler.Ranged("arms", config.arms, 4, 12),
                                .arm_width = compiler.Ranged("arm_width", config.arm_width, 1, kMaxSide),
                                .arm_length = compiler.Ranged("arm_length", config.arm_length, 0, kMaxSide),
                                .wall = compiler.Wall("object", config.object)};
  SceneNode node;
  node.draw = [params, key = compiler.key](View view, RandomStream&, SceneRun&) {
    MG_CHECK(std::min(view.width(), view.height()) > params.arm_width, EnvError, key, ".arm_width=", params.arm_width,
             " leaves no arms in an area of ", view.width(), "x", view.height(), ". Lower it or enlarge the area.");
    RadialMazeAreas areas = DrawRadialMaze(view, params);
    std::vector<Box> boxes{areas.center};
    boxes.insert(boxes.end(), areas.endpoints.begin(), areas.endpoints.end());
    return boxes;
  };
  node.most = Nothing(compiler);
  node.area_tags.push_back({"center"});
  for (int arm = 0; arm < params.arms; ++arm) node.area_tags.push_back({"endpoint", "endpoint_" + std::to_string(arm)});
  node.areas_overlap = true;  // short arms end in the middle
  return node;
}

SceneNode Compile(const BspScene& config, const SceneCompiler& compiler) {
  const double least = compiler.RangedShare("min_room_size_ratio", config.min_room_size_ratio, 0.01, 1.0);
  const BspParams params{
      .rooms = compiler.Ranged("rooms", config.rooms, 1, kMostRooms),
      .min_room_size = compiler.Ranged("min_room_size", config.min_room_size, 1, kMaxSide),
      .min_ratio = least,
      .max_ratio = compiler.RangedShare("max_room_size_ratio", config.max_room_size_ratio, least, 1.0),
      .skip_corridors = config.skip_corridors,
      .wall = compiler.Wall("object", config.object)};
  SceneNode node;
  node.draw = [params](View view, RandomStream& random, SceneRun&) { return DrawBsp(view, params, random); };
  node.most = Nothing(compiler);
  node.area_tags.assign(static_cast<std::size_t>(params.rooms), {"room"});
  return node;
}

SceneNode Compile(const CavesScene& config, const SceneCompiler& compiler) {
  const CavesParams params{.fill = compiler.RangedShare("fill", config.fill, 0.0, 1.0),
                           .steps = compiler.Ranged("steps", config.steps, 0, 100),
                           .birth = compiler.Ranged("birth", config.birth, 0, 9),
                           .death = compiler.Ranged("death", config.death, 0, 9),
                           .wall = compiler.Wall("object", config.object)};
  SceneNode node;
  node.draw = [params](View view, RandomStream& random, SceneRun&) {
    DrawCaves(view, params, random);
    return std::vector<Box>{};
  };
  node.most = Nothing(compiler);
  return node;
}

SceneNode Compile(const WfcScene& config, const SceneCompiler& compiler) {
  const Sample sample = ReadSample(config, compiler);
  const auto heuristic = static_cast<WfcHeuristic>(
      compiler.Choice("next_node_heuristic", config.next_node_heuristic, {"entropy", "mrv", "scanline"}));
  const auto model = std::make_shared<const WfcModel>(sample, heuristic);
  const int attempts = compiler.Ranged("attempts", config.attempts, 1, 1'000'000);
  SceneNode node;
  node.draw = [model, attempts, size = sample.pattern_size, key = compiler.key](View view, RandomStream& random,
                                                                                SceneRun&) {
    MG_CHECK(std::min(view.width(), view.height()) >= size, EnvError, key, ": its area of ", view.width(), "x",
             view.height(), " is smaller than pattern_size=", size, ". Enlarge the area.");
    MG_CHECK(model->Draw(view, attempts, random), EnvError, key, ": each of attempts=", attempts,
             " ended in a contradiction: the pattern can hardly be continued over ", view.width(), "x", view.height(),
             " cells. Draw a pattern with more variety, set periodic_input=true, or lower pattern_size.");
    return std::vector<Box>{};
  };
  node.most = AnyOf(sample.drawing, compiler);
  return node;
}

SceneNode Compile(const ConvchainScene& config, const SceneCompiler& compiler) {
  const Sample sample = ReadSample(config, compiler);
  const auto model =
      std::make_shared<const ConvchainModel>(sample, compiler.Ranged("iterations", config.iterations, 0, 1000),
                                             compiler.RangedShare("temperature", config.temperature, 0.01, 1000.0));
  SceneNode node;
  node.draw = [model](View view, RandomStream& random, SceneRun&) {
    model->Draw(view, random);
    return std::vector<Box>{};
  };
  node.most = AnyOf(sample.drawing, compiler);
  return node;
}

}  // namespace mettagrid::maps
