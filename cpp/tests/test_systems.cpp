#include <doctest/doctest.h>

#include "games.h"

using namespace mettagrid;
using namespace mettagrid::testing;

namespace {

GameConfig Idle(std::int64_t num_agents, Amounts held) {
  GameConfig config = ArenaConfig(num_agents);
  config.agent.default_resource_limit = 1000;
  config.agent.initial_inventory = std::move(held);
  return config;
}

double Lost(const Batch& batch, const char* stat, const EpisodeRecord& record) {
  double total = 0.0;
  const std::size_t agents = batch.program().num_agents;
  for (std::size_t i = 0; i < agents; ++i) total += record.agent_stats[StatSlot(batch.program(), stat) * agents + i];
  return total;
}

}  // namespace

TEST_CASE("resources get lost at their rate") {
  GameConfig config = Idle(100, {{"ore_red", 1000}, {"heart", 10}});
  config.max_steps = 1;
  config.systems.resource_loss = ResourceLossConfig{{{"ore_red", 0.0155}}};
  Batch batch(config, 1);
  batch.Reset(3);
  batch.Step(std::vector<std::int32_t>(100, 0));
  const auto records = batch.env().DrainEpisodes();
  REQUIRE(records.size() == 1);
  const double lost = Lost(batch, "ore_red.lost", records[0]);
  CHECK(lost >= 1500);  // 15 surely, another one in half of the cases: 1,550 +- 5
  CHECK(lost <= 1600);
  CHECK(lost > 1530);
  CHECK(lost < 1570);
  CHECK(Lost(batch, "heart.lost", records[0]) == 0);
}

TEST_CASE("a certain loss takes everything, a tiny one next to nothing") {
  GameConfig config = Idle(1, {{"ore_red", 1000}, {"laser", 1000}});
  config.systems.resource_loss = ResourceLossConfig{{{"ore_red", 1.0}, {"laser", 1e-6}}};
  Batch batch(config, 1);
  batch.Reset(3);
  batch.Step({0});
  const World& world = batch.env().env(0).world();
  CHECK(world.Inventory(AgentId(0))[1] == 0);
  CHECK(world.Inventory(AgentId(0))[3] >= 999);
}

TEST_CASE("upkeep is paid at its rate, and draws of systems do not disturb each other") {
  GameConfig config = Idle(50, {{"ore_red", 1000}, {"laser", 1000}});
  config.max_steps = 40;
  config.systems.upkeep = UpkeepConfig{{{"ore_red", 0.25}}};
  double paid[2];
  for (const bool both : {false, true}) {
    if (both) config.systems.resource_loss = ResourceLossConfig{{{"laser", 0.0333}}};
    Batch batch(config, 1);
    batch.Reset(4);
    for (int step = 0; step < 40; ++step) batch.Step(std::vector<std::int32_t>(50, 0));
    const auto records = batch.env().DrainEpisodes();
    REQUIRE(records.size() == 1);
    paid[both ? 1 : 0] = Lost(batch, "ore_red.lost", records[0]);
    CHECK(Lost(batch, "upkeep.unpaid", records[0]) == 0);
  }
  CHECK(paid[0] == paid[1]);
  CHECK(paid[0] > 440);  // 500 +- 19
  CHECK(paid[0] < 560);
}

TEST_CASE("impossible systems are refused with their key") {
  GameConfig config = Idle(1, {});
  config.systems.upkeep = UpkeepConfig{{{"energy", 1.0}}};
  CHECK_THROWS_WITH_AS(CompileGame(config), doctest::Contains("systems.upkeep.resources names the resource 'energy'"),
                       ConfigError);
  config.systems.upkeep = UpkeepConfig{{{"heart", 1.0}}, "faint"};
  CHECK_THROWS_WITH_AS(CompileGame(config), doctest::Contains("systems.upkeep.on_shortage='faint'"), ConfigError);
}
