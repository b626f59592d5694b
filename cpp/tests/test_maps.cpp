#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "mettagrid/maps/bsp.h"
#include "mettagrid/maps/connect.h"
#include "mettagrid/maps/draws.h"
#include "mettagrid/maps/map_generator.h"
#include "mettagrid/maps/maze.h"
#include "mettagrid/maps/patterns.h"
#include "mettagrid/maps/scatter.h"
#include "mettagrid/maps/terrain.h"

using namespace mettagrid;
using namespace mettagrid::maps;

namespace {

constexpr Symbol kWall = 1;
constexpr Symbol kAltar = 2;
constexpr Symbol kAgent = 3;

Palette TestPalette() {
  Palette palette;
  palette.Add("wall", SymbolKind::kStatic, false);
  palette.Add("altar", SymbolKind::kObject, false);
  palette.Add("agent", SymbolKind::kAgent, true);
  return palette;
}

RandomStream Stream(std::uint32_t episode = 0) { return {5, 0, episode, 0, Purpose::kScene}; }

Canvas Drawn(const std::vector<std::string>& rows) {
  Canvas canvas(static_cast<int>(rows.size()), static_cast<int>(rows[0].size()));
  for (int row = 0; row < canvas.height(); ++row) {
    for (int column = 0; column < canvas.width(); ++column) {
      const char c = rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)];
      canvas.At(row, column) = c == '#' ? kWall : c == '_' ? kAltar : c == '@' ? kAgent : kFree;
    }
  }
  return canvas;
}

int Count(const Canvas& canvas, Symbol symbol) {
  return static_cast<int>(std::count(canvas.cells().begin(), canvas.cells().end(), symbol));
}

}  // namespace

TEST_CASE("log2 in fixed point is log2") {
  CHECK(Log2Fixed(1) == 0);
  CHECK(Log2Fixed(1U << 31) == 31 * kOneBit);
  for (const std::uint32_t value : {3U, 10U, 1000U, 65537U, 0xFFFFFFFFU}) {
    CHECK(static_cast<double>(Log2Fixed(value)) / kOneBit == doctest::Approx(std::log2(value)).epsilon(2e-5));
  }
}

TEST_CASE("Poisson numbers have their mean and variance") {
  RandomStream random = Stream();
  double sum = 0;
  double squares = 0;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    const int drawn = Poisson(random, 6.0);
    sum += drawn;
    squares += drawn * drawn;
  }
  const double mean = sum / kDraws;
  CHECK(mean == doctest::Approx(6.0).epsilon(0.02));
  CHECK(squares / kDraws - mean * mean == doctest::Approx(6.0).epsilon(0.06));
}

TEST_CASE("scattering fills exactly what is free, earlier things first") {
  Canvas canvas = Drawn({"#...", ".#.."});
  RandomStream random = Stream();
  CHECK(Scatter(View(canvas), {{kAgent, 4}, {kAltar, 5}}, random) == 3);
  CHECK(Count(canvas, kAgent) == 4);
  CHECK(Count(canvas, kAltar) == 2);
  CHECK(Count(canvas, kWall) == 2);
}

TEST_CASE("a view keeps generators within their box") {
  for (std::uint32_t episode = 0; episode < 20; ++episode) {
    Canvas canvas(20, 24);
    const View view(canvas, {3, 4, 13, 15});
    RandomStream random = Stream(episode);
    DrawMaze(view, {.algorithm = MazeAlgorithm::kPrim}, random);
    DrawTerrain(view, TerrainStyle::kDense, kWall, random);
    DrawCaves(view, {}, random);
    DrawBsp(view, {.rooms = 5}, random);
    DrawRadialMaze(view, {.arms = 9, .arm_width = 3});
    for (int row = 0; row < 20; ++row) {
      for (int column = 0; column < 24; ++column) {
        if (!view.Contains(row - 3, column - 4)) CHECK(canvas.At(row, column) == kFree);
      }
    }
  }
}

TEST_CASE("tiny views are drawn without harm") {
  for (int side = 1; side <= 4; ++side) {
    Canvas canvas(side, side);
    RandomStream random = Stream();
    const View view(canvas);
    DrawMaze(view, {.room_least = 3, .room_most = 5}, random);
    DrawTerrain(view, TerrainStyle::kMaze, kWall, random);
    DrawCaves(view, {}, random);
    CHECK(DrawBsp(view, {.rooms = 9}, random).size() == 1);
    DrawRadialMaze(view, {.arms = 4, .arm_width = 1});
    CHECK(SplitArea(view.local(), 7, 3, random).size() == 1);
  }
}

TEST_CASE("parts of an area tile it") {
  RandomStream random = Stream();
  const auto parts = SplitArea({0, 0, 30, 40}, 11, 3, random);
  CHECK(parts.size() == 11);
  int area = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    area += parts[i].area();
    for (std::size_t j = 0; j < i; ++j) CHECK(!parts[i].Overlaps(parts[j]));
  }
  CHECK(area == 1200);
}

TEST_CASE("patterns count with their symmetries") {
  const Sample sample{.drawing = Drawn({"#..", "...", "..."}), .pattern_size = 2, .periodic = true};
  const auto patterns = ReadPatterns(sample);
  std::uint32_t weight = 0;
  for (const Pattern& pattern : patterns) weight += pattern.weight;
  CHECK(patterns.size() == 5);  // empty, and one wall in each corner
  CHECK(weight == 9 * 8);
}

TEST_CASE("reach is checked from the first agent, objects from beside") {
  const Palette palette = TestPalette();
  Fault fault;
  Canvas good = Drawn({"@.#", "#._", "@.#"});
  CHECK(AllReachable(View(good), palette, fault));
  Canvas bad = Drawn({"@#.", "##_", "..."});
  CHECK(!AllReachable(View(bad), palette, fault));
  CHECK(fault.symbol == kAltar);
  CHECK(fault.place == Point{1, 2});
  CHECK(RepairReach(View(bad), palette));
  CHECK(AllReachable(View(bad), palette, fault));
  CHECK(Count(bad, kWall) == 2);
  Canvas shut = Drawn({"@__@"});
  CHECK(!RepairReach(View(shut), palette));
}

TEST_CASE("a generator draws the map of its number, and tells what it cannot draw") {
  SceneMapConfig config;
  config.scene = RandomScene{.objects = {{"altar", 4}}, .agents = {{"agent", 2}}};
  const MapGenerator generator(config, TestPalette(), 2);
  Canvas first;
  Canvas again;
  generator.Draw({1, 2, 3}, first);
  generator.Draw({1, 2, 3}, again);
  CHECK(first == again);
  generator.Draw({1, 2, 4}, again);
  CHECK(first != again);
  CHECK(generator.most()[kAltar] == 4);
  CHECK(first.height() == 30);
  CHECK_THROWS_AS(MapGenerator(config, TestPalette(), 3), ConfigError);
  config.instance_width = 2000;
  CHECK_THROWS_AS(MapGenerator(config, TestPalette(), 2), ConfigError);
}
