#include <doctest/doctest.h>

#include <algorithm>

#include "games.h"
#include "mettagrid/env/social_metrics.h"
#include "mettagrid/objects/shared_limits.h"
#include "mettagrid/systems/reward_sharing.h"

using namespace mettagrid;
using namespace mettagrid::testing;

namespace {

// Three agents in a row with space to the south; every successful move earns 1.
GameConfig Walkers() {
  GameConfig config = DrawnConfig({U"@@@", U"..."});
  config.agent.rewards = {};
  config.agent.rewards.stats = {{"action.move.success", 1.0}};
  config.groups = {{"red", GroupConfig{.id = 0, .count = 2}}, {"blue", GroupConfig{.id = 1, .count = 1}}};
  return config;
}

GroupConfig& GroupOf(GameConfig& config, const std::string& name) {
  return std::find_if(config.groups.begin(), config.groups.end(),
                      [&](const auto& entry) { return entry.first == name; })
      ->second;
}

}  // namespace

TEST_CASE("groups with counts are dealt in turn") {
  Batch batch(Walkers(), 1);
  batch.Reset(0);
  const World& world = batch.env().env(0).world();
  CHECK(world.agents.group[0] == 0);
  CHECK(world.agents.group[1] == 1);
  CHECK(world.agents.group[2] == 0);
  GameConfig config = Walkers();
  config.groups[0].second.count = 1;
  CHECK_THROWS_AS(Game{config}, ConfigError);
}

TEST_CASE("a group's share goes to its members that take part, and its sum stays") {
  GameConfig config = Walkers();
  GroupOf(config, "red").reward_share = 0.5;
  Batch batch(config, 1);
  batch.Reset(0);
  batch.Step({Act(batch.program(), "move_south"), 0, 0});
  CHECK(batch.Buffer().rewards[0] == 0.75F);
  CHECK(batch.Buffer().rewards[1] == 0.0F);
  CHECK(batch.Buffer().rewards[2] == 0.25F);
  const World& world = batch.env().env(0).world();
  world.agents.presence[2] = Presence::kGone;
  std::vector<double> rewards = {1.0, 1.0, 1.0};
  world.agents.settled[2] = 1;
  rewards[2] = 0.0;
  ShareRewards(world, rewards);
  CHECK(rewards == std::vector<double>{1.0, 1.0, 0.0});
  world.agents.settled[2] = 0;  // it leaves in this very step
  rewards = {1.0, 1.0, 0.0};
  ShareRewards(world, rewards);
  CHECK(rewards == std::vector<double>{0.75, 1.0, 0.25});
}

TEST_CASE("a matrix shares without its zeros, and not to those that take no part") {
  GameConfig config = Walkers();
  config.reward_sharing = {{0.0, 2.0, 0.0}, {1.0, 0.0, 0.5}, {0.0, 0.0, 1.0}};
  Batch batch(config, 1);
  batch.Reset(0);
  CHECK(batch.program().sharing.weights.size() == 4);
  const World& world = batch.env().env(0).world();
  std::vector<double> rewards = {1.0, 3.0, 4.0};
  ShareRewards(world, rewards);
  CHECK(rewards == std::vector<double>{6.0, 3.0, 4.0});
  world.agents.settled[1] = 1;  // it waited
  rewards = {1.0, 0.0, 4.0};
  ShareRewards(world, rewards);
  CHECK(rewards == std::vector<double>{0.0, 0.0, 4.0});
  GroupOf(config, "red").reward_share = 0.5;
  CHECK_THROWS_AS(Game{config}, ConfigError);
}

TEST_CASE("an agent's first row has no reward, and what it did in that step is not paid later") {
  Batch batch(Walkers(), 1);
  batch.Reset(0);
  const World& world = batch.env().env(0).world();
  world.agents.settled[0] = 1;  // it has just entered
  const std::int32_t south = Act(batch.program(), "move_south");
  batch.Step({south, south, 0});
  CHECK(batch.Buffer().rewards[0] == 0.0F);
  CHECK(batch.Buffer().rewards[1] == 1.0F);
  batch.Step({Act(batch.program(), "move_north"), 0, 0});
  CHECK(batch.Buffer().rewards[0] == 1.0F);
}

TEST_CASE("room is the least of all limits, and what was freed in a step counts in the next one") {
  GameConfig config = Walkers();
  config.agent.shared_limits = {{"bag", {.limit = 4, .resources = {"ore_red", "laser"}}}};
  GroupOf(config, "red").limits = {{"ore_red", 5}};
  Batch batch(config, 1);
  batch.Reset(0);
  const World& world = batch.env().env(0).world();
  const auto& names = batch.program().resource_names;
  const auto item = [&names](const char* name) {
    return ItemId(std::find(names.begin(), names.end(), name) - names.begin());
  };
  const ItemId ore = item("ore_red");
  const ItemId laser = item("laser");
  const auto hold = [&](std::size_t agent, ItemId what, Amount amount) {
    world.Inventory(AgentId(agent))[what.index()] = amount;
    world.agents.inventory_before[agent * names.size() + what.index()] = amount;
  };
  CHECK(world.RoomNow(AgentId(0), ore) == 4);
  hold(0, laser, 3);
  CHECK(world.RoomNow(AgentId(0), ore) == 1);
  CHECK(world.RoomNow(AgentId(0), item("armor")) == 50);
  hold(0, laser, 0);
  hold(2, ore, 3);
  CHECK(world.Room(AgentId(0), ore) == 2);
  CHECK(world.Room(AgentId(0), ore, AgentId(2)) == 4);  // a team-mate's ore is the team's already
  CHECK(world.Room(AgentId(1), ore) == 4);              // blue has no limit
  world.Inventory(AgentId(2))[ore.index()] = 0;
  CHECK(world.Room(AgentId(0), ore) == 2);
  CHECK(world.RoomNow(AgentId(0), ore) == 4);
  CHECK(SharedLimitsHold(world));
  hold(0, ore, 4);
  hold(2, ore, 2);
  CHECK(!SharedLimitsHold(world));
  CHECK(!IsSound(world));
}

TEST_CASE("an episode ends by a goal, by everybody's leaving, or by its limit, in this order") {
  GameConfig config = Walkers();
  config.terminate_when = {{"action.move.success", 2.0}};
  config.max_steps = 1;
  Batch batch(config, 1);
  batch.Reset(0);
  const std::int32_t south = Act(batch.program(), "move_south");
  batch.Step({south, south, 0});
  CHECK(batch.Buffer().terminated[0]);
  CHECK(!batch.Buffer().truncated[0]);
  batch.Step({0, 0, 0});
  batch.Step({south, 0, 0});
  CHECK(batch.Buffer().truncated[0]);
  CHECK(!batch.Buffer().terminated[0]);
}

TEST_CASE("social metrics follow their equations") {
  Batch batch(Walkers(), 1);
  batch.Reset(0);
  const std::int32_t south = Act(batch.program(), "move_south");
  batch.Step({south, 0, 0});
  batch.Step({0, south, 0});
  batch.Step({Act(batch.program(), "move_north"), 0, 0});
  const SocialMetrics society = MeasureSociety(batch.env().env(0).world());
  CHECK(society.efficiency == doctest::Approx(1.0));
  // Returns 2, 1, 0: differences 1 + 2 + 1, each twice, over 2 x 3 x 3.
  CHECK(society.equality == doctest::Approx(1.0 - 8.0 / 18.0));
  CHECK(society.sustainability == doctest::Approx(2.0));
  CHECK(society.peace == doctest::Approx(3.0));
}
