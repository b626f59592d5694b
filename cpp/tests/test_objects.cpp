#include <doctest/doctest.h>

#include "games.h"

using namespace mettagrid;
using namespace mettagrid::testing;

namespace {

constexpr int kNorthOfAgent = 0x45;  // window location of the cell north of the agent
constexpr int kConverting = 5;
constexpr int kCooldown = 14;
constexpr std::size_t kOre = 1;
constexpr std::size_t kBattery = 2;

GameConfig MineGame(std::int64_t ticks, std::int64_t cooldown, std::int64_t max_output) {
  GameConfig config = DrawnConfig({U"m", U"@"});
  auto& mine = std::get<ConverterConfig>(config.objects[1].second);
  mine.conversion_ticks = ticks;
  mine.cooldown = cooldown;
  mine.max_output = max_output;
  return config;
}

}  // namespace

TEST_CASE("a mine starts, finishes, cools down and stops at its maximum") {
  Batch batch(MineGame(2, 3, 2), 1);
  batch.Reset(0);
  const World& world = batch.env().env(0).world();
  const auto stock = [&world] { return static_cast<int>(world.Inventory(ObjectId(0))[kOre]); };
  struct Expected {
    int converting, cooldown, ore;
  };
  // step:                       1        2        3        4        5        6        7        8        9
  const Expected timeline[] = {{1, -1, 0}, {1, -1, 0}, {-1, 3, 1}, {-1, 2, 1}, {-1, 1, 1},  {1, -1, 1},
                               {1, -1, 1}, {-1, 3, 2}, {-1, 2, 2}, {-1, 1, 2}, {-1, -1, 2}, {-1, -1, 2}};
  for (const Expected& expected : timeline) {
    batch.Step({0});
    CHECK(batch.Token(0, kNorthOfAgent, kConverting) == expected.converting);
    CHECK(batch.Token(0, kNorthOfAgent, kCooldown) == expected.cooldown);
    CHECK(stock() == expected.ore);
  }
  CHECK(!world.IsAwake(ObjectId(0)));
  batch.Step({Act(batch.program(), "move_north")});
  CHECK(stock() == 0);
  CHECK(world.Inventory(AgentId(0))[kOre] == 2);
  CHECK(batch.Token(0, kNorthOfAgent, kConverting) == -1);  // it starts in the next timed events
  batch.Step({0});
  CHECK(batch.Token(0, kNorthOfAgent, kConverting) == 1);
}

TEST_CASE("conversions without cooldown follow each other at once") {
  Batch batch(MineGame(1, 0, -1), 1);
  batch.Reset(0);
  for (int step = 1; step <= 8; ++step) {
    batch.Step({0});
    CHECK(batch.env().env(0).world().Inventory(ObjectId(0))[kOre] == step - 1);
  }
}

TEST_CASE("conversions are counted down, and none are made at zero") {
  GameConfig config = MineGame(1, 0, -1);
  std::get<ConverterConfig>(config.objects[1].second).max_conversions = 2;
  Batch batch(config, 1);
  batch.Reset(0);
  for (int step = 0; step < 6; ++step) batch.Step({0});
  CHECK(batch.env().env(0).world().Inventory(ObjectId(0))[kOre] == 2);
  std::get<ConverterConfig>(config.objects[1].second).max_conversions = 0;
  std::get<ConverterConfig>(config.objects[1].second).initial_resource_count = 4;
  Batch idle(config, 1);
  idle.Reset(0);
  for (int step = 0; step < 6; ++step) idle.Step({0});
  CHECK(idle.env().env(0).world().Inventory(ObjectId(0))[kOre] == 4);
}

TEST_CASE("a stock that would overflow does not start") {
  GameConfig config = MineGame(1, 0, -1);
  std::get<ConverterConfig>(config.objects[1].second).initial_resource_count = kMaxAmount - 1;
  Batch batch(config, 1);
  batch.Reset(0);
  for (int step = 0; step < 6; ++step) batch.Step({0});
  CHECK(batch.env().env(0).world().Inventory(ObjectId(0))[kOre] == kMaxAmount);
  CHECK(batch.Token(0, kNorthOfAgent, 17 + static_cast<int>(kOre)) == 255);  // saturates
}

TEST_CASE("a generator takes one ore, makes one battery, and takes the next ore only when it lacks it") {
  GameConfig config = DrawnConfig({U"n", U"@"});
  config.agent.initial_inventory = {{"ore_red", 3}};
  Batch batch(config, 1);
  batch.Reset(0);
  const World& world = batch.env().env(0).world();
  const std::int32_t use = Act(batch.program(), "move_north");
  batch.Step({use});
  CHECK(batch.Buffer().action_success[0]);
  CHECK(world.Inventory(ObjectId(0))[kOre] == 1);
  CHECK(world.Inventory(AgentId(0))[kOre] == 2);
  CHECK(batch.Mask(0)[static_cast<std::size_t>(use)]);  // the next timed events consume the ore, so it will lack one
  batch.Step({use});
  CHECK(batch.Buffer().action_success[0]);
  CHECK(world.Inventory(AgentId(0))[kOre] == 1);
  CHECK(batch.Mask(0)[static_cast<std::size_t>(use)]);  // the battery is finished in the next timed events
  batch.Step({use});
  CHECK(world.Inventory(AgentId(0))[kBattery] == 1);
  CHECK(!batch.Mask(0)[static_cast<std::size_t>(use)]);  // cooling, with an ore waiting
  batch.Step({use});
  CHECK(!batch.Buffer().action_success[0]);
}
