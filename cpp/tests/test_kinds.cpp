#include <doctest/doctest.h>

#include <numeric>

#include "games.h"
#include "mettagrid/objects/neighbours.h"
#include "mettagrid/objects/object_kinds.h"

using namespace mettagrid;
using namespace mettagrid::testing;

namespace {

constexpr std::size_t kHeart = 0;

// One row of cells: @ agents, X the thing.
GameConfig Around(ObjectConfig thing, std::vector<std::u32string> rows) {
  GameConfig config = DrawnConfig(std::move(rows));
  config.objects.emplace_back("thing", std::move(thing));
  std::get<AsciiMapConfig>(config.map).legend.emplace_back(U"X", "thing");
  return config;
}

int Sum(const Shares& shares) { return std::accumulate(shares.begin(), shares.end(), 0); }

}  // namespace

TEST_CASE("amounts are spread evenly as far as the caps allow, and the first bear the rest") {
  CHECK(SpreadEvenly(7, std::array{9, 9, 9}) == Shares{3, 2, 2});
  CHECK(SpreadEvenly(7, std::array{1, 9, 9}) == Shares{1, 3, 3});
  CHECK(SpreadEvenly(8, std::array{9, 0, 2}) == Shares{6, 0, 2});
  CHECK(SpreadEvenly(2, std::array{9, 9, 9}) == Shares{1, 1, 0});
  CHECK(SpreadEvenly(99, std::array{4, 5}) == Shares{4, 5});
  CHECK(SpreadEvenly(5, std::span<const int>{}) == Shares{});
  CHECK(SpreadInOrder(7, std::array{5, 0, 9}) == Shares{5, 0, 2});
  CHECK(SpreadInOrder(70, std::array{5, 0, 9}) == Shares{5, 0, 9});
  const std::array most{65535, 65535, 65535, 65535, 65535, 65535, 65535, 65535};
  CHECK(Sum(SpreadEvenly(8 * 65535, most)) == 8 * 65535);
  CHECK(Sum(SpreadEvenly(8 * 65535 - 1, most)) == 8 * 65535 - 1);
}

TEST_CASE("an agent in an open door covers it, and leaves it as it was") {
  DoorConfig door;
  door.open_ticks = 2;
  Batch batch(Around(door, {U"@X.."}), 1);
  batch.Reset(0);
  const World& world = batch.env().env(0).world();
  const CellIndex cell = world.objects.cell[0];
  const CellCode code = batch.program().CodeOf(ObjectId(0));
  const std::int32_t east = Act(batch.program(), "move_east");
  CHECK(IsOpaque(world, code));
  batch.Step({east});
  CHECK(!IsOpaque(world, code));
  CHECK(world.cells[cell] == code);
  batch.Step({east});
  CHECK(world.cells[cell] == batch.program().CodeOf(AgentId(0)));
  CHECK(world.agents.cell[0] == cell);
  for (int step = 0; step < 5; ++step) batch.Step({0});
  CHECK(world.objects.mode[0] == 1);  // overdue, but somebody stands in it
  batch.Step({east});
  CHECK(world.cells[cell] == code);
  CHECK((world.occupied[cell / 8] >> (cell % 8) & 1) != 0);
  batch.Step({0});
  CHECK(IsOpaque(world, code));
  CHECK(!world.IsAwake(ObjectId(0)));
}

TEST_CASE("a bare commons sleeps only when it is full") {
  PlantConfig plant;
  plant.resource = "heart";
  plant.growth = {0.0, 1.0};
  plant.radius = 1;
  Batch batch(Around(plant, {U"@XX"}), 1);
  batch.Reset(3);
  const World& world = batch.env().env(0).world();
  batch.Step({0});
  CHECK(!world.IsAwake(ObjectId(0)));
  const std::int32_t east = Act(batch.program(), "move_east");
  batch.Step({east});
  CHECK(world.Inventory(ObjectId(0))[kHeart] == 0);
  CHECK(!batch.Mask(0)[static_cast<std::size_t>(east)]);
  batch.Step({east});  // it grows before the actions, but is not ripe in this step
  CHECK(!batch.Buffer().action_success[0]);
  CHECK(world.Inventory(ObjectId(0))[kHeart] == 1);
  CHECK(batch.Mask(0)[static_cast<std::size_t>(east)]);
}

TEST_CASE("an assembler's cooldown grows to its bound and stays there") {
  AssemblerConfig assembler;
  assembler.exhaustion = 100.0;
  AssemblerRecipeConfig recipe;
  recipe.positions = {"Any"};
  recipe.output_resources = {{"heart", 1}};
  recipe.cooldown = 1;
  assembler.recipes = {recipe};
  Batch batch(Around(assembler, {U"@X"}), 1);
  batch.Reset(0);
  const World& world = batch.env().env(0).world();
  const std::int32_t east = Act(batch.program(), "move_east");
  batch.Step({east});
  CHECK(world.objects.until[0] == world.header().step + 1);
  batch.Step({east});
  CHECK(world.objects.until[0] == world.header().step + 101);
  for (int step = 0; step < 101; ++step) batch.Step({east});
  CHECK(world.objects.until[0] == world.header().step + 10201);
  CHECK(world.Inventory(AgentId(0))[kHeart] == 3);
}

TEST_CASE("snapshots whose assembler names agents that do not exist are refused") {
  AssemblerConfig assembler;
  AssemblerRecipeConfig recipe;
  recipe.positions = {"Any"};
  assembler.recipes = {recipe};
  Batch batch(Around(assembler, {U"@X"}), 1);
  batch.Reset(0);
  batch.Step({0});
  const auto bytes = batch.env().Snapshot(0);
  std::vector<std::byte> copy(bytes.begin(), bytes.end());
  copy[batch.program().layout.object_memory] = std::byte{7};
  CHECK_THROWS_AS(batch.env().Restore(0, copy), EnvError);
}

TEST_CASE("impossible objects are refused with their key") {
  const auto refused = [](ObjectConfig thing) {
    try {
      CompileGame(Around(std::move(thing), {U"@X"}));
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  PlantConfig plant;
  plant.resource = "apple";
  CHECK(refused(plant).find("objects.thing.resource") != std::string::npos);
  plant.resource = "heart";
  plant.growth = {2.0};
  CHECK(refused(plant).find("objects.thing.growth") != std::string::npos);
  ChestConfig chest;
  chest.resource = "heart";
  chest.deposit_positions = {"NNW"};
  CHECK(refused(chest).find("'NNW'") != std::string::npos);
  AssemblerConfig assembler;
  assembler.match = "smell";
  CHECK(refused(assembler).find("'positions' or 'glyphs'") != std::string::npos);
}
