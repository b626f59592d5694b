#include <algorithm>
#include <memory>

#include "mettagrid/core/check.h"
#include "mettagrid/core/types.h"
#include "mettagrid/maps/scene_compiler.h"
#include "mettagrid/maps/terrain.h"

// Scenes that put things on free cells or draw them as written.

namespace mettagrid::maps {
namespace {

Counts Sum(Counts counts, const std::vector<SymbolCount>& things) {
  for (const SymbolCount& thing : things) counts[thing.symbol] += static_cast<std::uint64_t>(thing.count);
  return counts;
}

}  // namespace

SceneNode Compile(const NopScene&, const SceneCompiler& compiler) {
  SceneNode node;
  node.draw = [](View, RandomStream&, SceneRun&) { return std::vector<Box>{}; };
  node.most = [none = compiler.None()](std::uint64_t) { return none; };
  return node;
}

SceneNode Compile(const FillScene& config, const SceneCompiler& compiler) {
  SceneNode node;
  node.draw = [wall = compiler.Wall("object", config.object)](View view, RandomStream&, SceneRun&) {
    view.Fill(wall);
    return std::vector<Box>{};
  };
  node.most = [none = compiler.None()](std::uint64_t) { return none; };
  return node;
}

SceneNode Compile(const RandomScene& config, const SceneCompiler& compiler) {
  // Agents first: when cells run out, objects are left over.
  std::vector<SymbolCount> things = compiler.Things("agents", config.agents, true);
  for (const SymbolCount& thing : compiler.Things("objects", config.objects, false)) things.push_back(thing);
  SceneNode node;
  node.draw = [things, ok = config.too_many_is_ok, key = compiler.key](View view, RandomStream& random, SceneRun&) {
    const int left = Scatter(view, things, random);
    MG_CHECK(left == 0 || ok, EnvError, key, ": ", left, " things found no free cell in its area of ", view.width(),
             "x", view.height(), ". Enlarge the area, place less, or set too_many_is_ok=true.");
    return std::vector<Box>{};
  };
  node.most = [most = Sum(compiler.None(), things)](std::uint64_t) { return most; };
  return node;
}

SceneNode Compile(const RandomObjectsScene& config, const SceneCompiler& compiler) {
  std::vector<SymbolRange> ranges;
  for (const auto& [name, range] : config.object_ranges) {
    const std::string where = compiler.Key("object_ranges") + "." + name;
    MG_CHECK(range.size() == 2 && range[0] >= 0.0 && range[0] <= range[1] && range[1] <= 1.0, ConfigError, where,
             " is no pair of shares 0 <= least <= most <= 1.");
    ranges.push_back({compiler.palette.Find(where, name), range[0], range[1]});
  }
  SceneNode node;
  node.draw = [ranges](View view, RandomStream& random, SceneRun&) {
    ScatterShares(view, ranges, random);
    return std::vector<Box>{};
  };
  node.most = [ranges, none = compiler.None()](std::uint64_t area) {
    Counts most = none;
    for (const SymbolRange& range : ranges) {
      most[range.symbol] += static_cast<std::uint64_t>(range.most * static_cast<double>(area)) + (area > 0 ? 1 : 0);
    }
    return most;
  };
  return node;
}

SceneNode Compile(const MeanDistanceScene& config, const SceneCompiler& compiler) {
  const double mean = compiler.RangedShare("mean_distance", config.mean_distance, 1.0, kMaxSide);
  const Symbol center = compiler.palette.Find(compiler.Key("center"), config.center);
  const std::vector<SymbolCount> things = compiler.Things("objects", config.objects, false);
  SceneNode node;
  node.draw = [=](View view, RandomStream& random, SceneRun&) {
    ScatterAround(view, center, mean, things, random);
    return std::vector<Box>{};
  };
  Counts most = Sum(compiler.None(), things);
  most[center] += 1;
  node.most = [most](std::uint64_t) { return most; };
  return node;
}

SceneNode Compile(const AsciiScene& config, const SceneCompiler& compiler) {
  const auto drawing = std::make_shared<const Canvas>(compiler.Drawing("rows", config.rows, config.legend));
  const int top = compiler.Ranged("row", config.row, 0, kMaxSide - 1);
  const int left = compiler.Ranged("column", config.column, 0, kMaxSide - 1);
  SceneNode node;
  node.draw = [=, key = compiler.key](View view, RandomStream&, SceneRun&) {
    MG_CHECK(top + drawing->height() <= view.height() && left + drawing->width() <= view.width(), EnvError, key,
             ": a drawing of ", drawing->width(), "x", drawing->height(), " at row ", top, ", column ", left,
             " does not fit into its area of ", view.width(), "x", view.height(),
             ". Enlarge map.instance_width and instance_height.");
    for (int row = 0; row < drawing->height(); ++row) {
      for (int column = 0; column < drawing->width(); ++column) {
        view.At(top + row, left + column) = drawing->At(row, column);
      }
    }
    return std::vector<Box>{};
  };
  Counts most = compiler.None();
  for (const Symbol symbol : drawing->cells()) ++most[symbol];
  node.most = [most](std::uint64_t) { return most; };
  return node;
}

SceneNode Compile(const TerrainScene& config, const SceneCompiler& compiler) {
  const auto style =
      static_cast<TerrainStyle>(compiler.Choice("style", config.style, {"sparse", "balanced", "dense", "maze"}));
  SceneNode node;
  node.draw = [style, wall = compiler.Wall("object", config.object)](View view, RandomStream& random, SceneRun&) {
    DrawTerrain(view, style, wall, random);
    return std::vector<Box>{};
  };
  node.most = [none = compiler.None()](std::uint64_t) { return none; };
  return node;
}

SceneNode Compile(const RemoveAgentsScene&, const SceneCompiler& compiler) {
  SceneNode node;
  node.draw = [](View view, RandomStream&, SceneRun& run) {
    for (int row = 0; row < view.height(); ++row) {
      for (int column = 0; column < view.width(); ++column) {
        Symbol& symbol = view.At(row, column);
        if (run.palette.Kind(symbol) == SymbolKind::kAgent) symbol = kFree;
      }
    }
    return std::vector<Box>{};
  };
  node.most = [none = compiler.None()](std::uint64_t) { return none; };
  return node;
}

}  // namespace mettagrid::maps
