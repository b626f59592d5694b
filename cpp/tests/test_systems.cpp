#include <doctest/doctest.h>

#include <algorithm>

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

namespace {

// Everybody shoots everybody, dies, respawns, enters and leaves, while the clipper is about.
GameConfig TurmoilConfig() {
  GameConfig config = BrawlConfig();
  config.resource_names.push_back("hp");
  config.agent.initial_inventory.push_back({"hp", 2});
  config.systems.upkeep = UpkeepConfig{{{"hp", 0.02}}, "freeze"};
  config.systems.clipper =
      ClipperConfig{.objects = {}, .period = 3, .unclipping_resources = {{"ore_red", 1}, {"laser", 1}}};
  config.systems.health = HealthConfig{.freezes = true, .respawn_ticks = 2};
  config.systems.population = PopulationConfig{.initial_agents = 5, .enter_steps = {4, 4, 9}, .enter_rate = 0.1};
  config.systems.population->stay = 45;
  return config;
}

void CheckPresence(const World& world) {
  const GameProgram& program = *world.program;
  std::size_t on_grid = 0;
  for (CellIndex cell = 0; cell < program.map.num_cells(); ++cell) on_grid += program.IsAgent(world.cells[cell]);
  std::size_t here = 0;
  for (std::size_t i = 0; i < program.num_agents; ++i) {
    if (!world.IsHere(AgentId(i))) continue;
    ++here;
    CHECK(world.cells[world.agents.cell[i]] == program.CodeOf(AgentId(i)));
  }
  CHECK(here == on_grid);
}

}  // namespace

TEST_CASE("agents that die, enter and leave keep the world whole, and snapshots with them") {
  Batch batch(TurmoilConfig(), 2);
  batch.Reset(11);
  std::vector<std::int32_t> actions(20);
  bool away = false;
  bool entered = false;
  for (std::uint32_t step = 0; step < 150; ++step) {
    FillRandomActions(actions, batch.program().num_actions(), 3, step);
    const std::vector<bool> were_away(batch.Buffer().terminated.begin(), batch.Buffer().terminated.end());
    batch.Step(actions);
    const World& world = batch.env().env(0).world();
    CheckPresence(world);
    CHECK(IsSound(world));
    for (std::size_t row = 0; row < 10; ++row) {
      const bool is_away = batch.Buffer().terminated[row];
      away |= is_away;
      const bool comes = were_away[row] && !is_away;
      CHECK((!comes || batch.Buffer().first[row]));
      entered |= comes && world.header().step > 0;
      if (is_away) CHECK(batch.Buffer().used_tokens[row] == 0);
      if (is_away && were_away[row]) CHECK(!batch.Buffer().action_success[row]);
    }
    if (step % 20 == 0) {
      const auto bytes = batch.env().Snapshot(0);
      const std::vector<std::byte> copy(bytes.begin(), bytes.end());
      const std::uint64_t digest = batch.Digest();
      batch.env().Restore(0, copy);
      CHECK(batch.Digest() == digest);
    }
  }
  CHECK(away);
  CHECK(entered);
  const auto records = batch.env().DrainEpisodes();
  REQUIRE(!records.empty());
  double deaths = 0.0;
  double freed = 0.0;
  for (const EpisodeRecord& record : records) {
    deaths += Lost(batch, "health.deaths", record);
    freed += Lost(batch, "clipper.unclipped", record);
  }
  CHECK(deaths > 0);
  CHECK(freed > 0);
}

TEST_CASE("a world whose homes lie outside the map is refused") {
  Batch batch(TurmoilConfig(), 1);
  batch.Reset(11);
  const auto bytes = batch.env().Snapshot(0);
  std::vector<std::byte> copy(bytes.begin(), bytes.end());
  World(batch.program(), copy.data()).agents.home[3] = 0;
  CHECK_THROWS_AS(batch.env().Restore(0, copy), EnvError);
}

TEST_CASE("the clipper's rate is the rate of each object, in any number of them") {
  GameConfig config = Idle(1, {});
  config.map = RandomMapConfig{.width = 60, .height = 60, .objects = {{"mine_red", 1200}, {"altar", 800}, {"wall", 3}}};
  config.systems.clipper = ClipperConfig{.rate = 0.25, .unclipping_resources = {{"laser", 1}}};
  Batch batch(config, 1);
  batch.Reset(5);
  batch.Step({0});
  const World& world = batch.env().env(0).world();
  const auto clipped = std::count(world.objects.clip, world.objects.clip + 2000, Clip::kClipped);
  CHECK(clipped > 430);  // 500 +- 19
  CHECK(clipped < 570);
}
