#include <doctest/doctest.h>

#include <limits>
#include <map>
#include <set>

#include "games.h"

using namespace mettagrid;
using namespace mettagrid::testing;

namespace {

std::map<std::string, int> CountThings(const World& world) {
  std::map<std::string, int> counts;
  const GameProgram& program = *world.program;
  for (CellIndex cell = 0; cell < program.map.num_cells(); ++cell) {
    const CellCode code = world.cells[cell];
    if (code == kEmpty || code == kOutside) continue;
    if (program.IsAgent(code)) {
      ++counts["agent"];
    } else if (program.IsObject(code)) {
      ++counts[program.TypeOf(program.ObjectOf(code)).name];
    } else {
      ++counts[program.statics[code - 1U].name];
    }
  }
  return counts;
}

}  // namespace

TEST_CASE("the arena holds what each room declares, inside a border of six") {
  Batch batch(ArenaConfig(24), 1);
  batch.Reset(3);
  const World& world = batch.env().env(0).world();
  auto counts = CountThings(world);
  CHECK(batch.program().map.width == 62);
  CHECK(batch.program().map.height == 62);
  CHECK(counts["agent"] == 24);
  CHECK(counts["mine_red"] == 40);
  CHECK(counts["generator_red"] == 20);
  CHECK(counts["altar"] == 20);
  CHECK(counts["lasery"] == 4);
  CHECK(counts["armory"] == 4);
  CHECK(counts["wall"] == 62 * 62 - 50 * 50 + 40);
}

TEST_CASE("agents spread evenly, the first rooms get the remainder") {
  GameConfig config = ArenaConfig(7);  // two rooms in two columns
  config.map = RoomsMapConfig{.rooms = 3, .room_width = 9, .room_height = 9, .border_width = 2, .objects = {}};
  Batch batch(config, 1);
  batch.Reset(1);
  const World& world = batch.env().env(0).world();
  const MapPlan& map = batch.program().map;
  CHECK(map.width == 22);
  CHECK(map.height == 22);
  std::map<std::pair<int, int>, int> per_room;
  for (std::size_t i = 0; i < 7; ++i) {
    const CellIndex cell = world.agents.cell[i];
    ++per_room[{(static_cast<int>(map.RowOf(cell)) - 2) / 9, (static_cast<int>(map.ColumnOf(cell)) - 2) / 9}];
  }
  CHECK(per_room[{0, 0}] == 3);
  CHECK(per_room[{0, 1}] == 2);
  CHECK(per_room[{1, 0}] == 2);
  CHECK(world.cells[map.CellAt(15, 15)] == 1);  // the fourth place is filled with border
}

TEST_CASE("maps depend on seed, environment and episode, and repeat") {
  GameConfig config = ArenaConfig(6);
  config.max_steps = 1;
  Batch batch(config, 2);
  Batch again(config, 2);
  batch.Reset(3);
  again.Reset(3);
  const auto hash = [](Batch& one, std::size_t env) {
    std::uint64_t sum = 0;
    const World& world = one.env().env(env).world();
    for (std::size_t i = 0; i < 6; ++i) sum = sum * 1000003 + world.agents.cell[i];
    return sum;
  };
  const std::uint64_t first = hash(batch, 0);
  CHECK(hash(again, 0) == first);
  CHECK(hash(batch, 1) != first);
  const std::vector<std::int32_t> noops(12, 0);
  batch.Step(noops);
  batch.Step(noops);  // the next episode begins
  CHECK(batch.Buffer().first[0]);
  CHECK(hash(batch, 0) != first);
  batch.Reset(4);
  CHECK(hash(batch, 0) != first);
}

TEST_CASE("a full map has no free cell left, and no cell is used twice") {
  GameConfig config = ArenaConfig(4);
  config.map = RandomMapConfig{.width = 6, .height = 5, .border_width = 1, .objects = {{"mine_red", 8}}};
  Batch batch(config, 1);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    batch.Reset(seed);
    auto counts = CountThings(batch.env().env(0).world());
    CHECK(counts["agent"] == 4);
    CHECK(counts["mine_red"] == 8);
    CHECK(counts["wall"] == 6 * 5 - 4 * 3);
  }
}

TEST_CASE("a drawn map is taken as it is, agents in reading order") {
  Batch batch(DrawnConfig({U"#@.", U"m.@"}), 1);
  batch.Reset(0);
  const World& world = batch.env().env(0).world();
  const MapPlan& map = batch.program().map;
  CHECK(world.agents.cell[0] == map.CellAt(0, 1));
  CHECK(world.agents.cell[1] == map.CellAt(1, 2));
  CHECK(batch.program().IsObject(world.cells[map.CellAt(1, 0)]));
  CHECK(world.cells[map.CellAt(0, 0)] == 1);
  CHECK(world.cells[map.CellAt(1, 1)] == kEmpty);
}

TEST_CASE("placement over a region is even") {
  GameConfig config = ArenaConfig(1);
  config.map = RandomMapConfig{.width = 3, .height = 3, .border_width = 0, .objects = {}};
  Batch batch(config, 900);
  batch.Reset(12);
  std::map<CellIndex, int> counts;
  for (std::size_t i = 0; i < 900; ++i) ++counts[batch.env().env(i).world().agents.cell[0]];
  CHECK(counts.size() == 9);
  for (const auto& [cell, count] : counts) CHECK(std::abs(count - 100) < 50);
}

TEST_CASE("absurd sizes are refused before they are multiplied") {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  GameConfig config = ArenaConfig(4);
  config.map = RoomsMapConfig{.rooms = 4, .room_width = kHuge};
  CHECK_THROWS_AS(Game{config}, ConfigError);
  config.map = RoomsMapConfig{.rooms = 4, .room_height = -kHuge};
  CHECK_THROWS_AS(Game{config}, ConfigError);
  config.map = RandomMapConfig{.border_width = kHuge};
  CHECK_THROWS_AS(Game{config}, ConfigError);
}

TEST_CASE("agents cannot come as objects: they would have no number") {
  GameConfig config = ArenaConfig(4);
  config.map = RoomsMapConfig{.rooms = 1, .objects = {{"agent", 2}}};
  CHECK_THROWS_AS(Game{config}, ConfigError);
}
