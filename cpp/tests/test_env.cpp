#include <doctest/doctest.h>

#include <numeric>

#include "games.h"

using namespace mettagrid;
using namespace mettagrid::testing;

TEST_CASE("an episode is truncated, returns its last observation, and restarts in the next step") {
  GameConfig config = ArenaConfig(2);
  config.max_steps = 3;
  Batch batch(config, 1);
  batch.Reset(0);
  CHECK(batch.Buffer().first[0]);
  const std::vector<bool> truncated = {false, false, true, false, false, false, true, false};
  const std::vector<bool> first = {false, false, false, true, false, false, false, true};
  for (std::size_t i = 0; i < truncated.size(); ++i) {
    batch.Step({0, 0});
    CHECK(batch.Buffer().truncated[0] == truncated[i]);
    CHECK(batch.Buffer().truncated[1] == truncated[i]);
    CHECK(batch.Buffer().first[0] == first[i]);
    CHECK(!batch.Buffer().terminated[0]);
  }
  const auto records = batch.env().DrainEpisodes();
  CHECK(records.size() == 2);
  CHECK(records[0].episode == 0);
  CHECK(records[1].episode == 1);
  CHECK(records[1].tick == 7);
  CHECK(records[0].length == 3);
  CHECK(records[0].truncated);
  CHECK(!records[0].partial);
  CHECK(batch.env().DrainEpisodes().empty());
}

TEST_CASE("endless games do not end") {
  GameConfig config = DrawnConfig({U"@"});
  config.max_steps = 0;
  Batch batch(config, 1, 1, 1, true);
  batch.Reset(0);
  for (int step = 0; step < 3000; ++step) batch.Step({0});
  CHECK(!batch.Buffer().truncated[0]);
  CHECK(batch.Token(0, 0xFE, 7) == 0);
}

TEST_CASE("first episodes are cut at random steps when asked, and say so") {
  GameConfig config = ArenaConfig(1);
  config.max_steps = 20;
  Batch batch(config, 64, 1, 1, true);
  batch.Reset(5);
  const std::vector<std::int32_t> noops(64, 0);
  for (int step = 0; step < 45; ++step) batch.Step(noops);
  std::vector<int> lengths(21, 0);
  for (const EpisodeRecord& record : batch.env().DrainEpisodes()) {
    CHECK(record.partial == (record.episode == 0));
    CHECK((record.episode == 0 ? record.length >= 1 && record.length < 20 : record.length == 20));
    if (record.episode == 0) ++lengths[record.length];
  }
  CHECK(std::accumulate(lengths.begin(), lengths.end(), 0) == 64);
  CHECK(std::count(lengths.begin(), lengths.end(), 0) < 12);
}

TEST_CASE("returns are the sums of the rewards, and groups sum their agents") {
  GameConfig config = BrawlConfig();
  Batch batch(config, 1);
  batch.Reset(2);
  std::vector<std::int32_t> actions(10);
  std::vector<double> sums(10, 0.0);
  for (std::uint32_t step = 0; step < 60; ++step) {
    FillRandomActions(actions, batch.program().num_actions(), 2, step);
    batch.Step(actions);
    for (std::size_t i = 0; i < 10; ++i) sums[i] += static_cast<double>(batch.Buffer().rewards[i]);
  }
  const auto records = batch.env().DrainEpisodes();
  REQUIRE(records.size() == 1);
  double total = 0.0;
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(records[0].returns[i] == doctest::Approx(sums[i]));
    total += records[0].returns[i];
  }
  CHECK(records[0].group_rewards.size() == 2);
  CHECK(records[0].group_rewards[0] == doctest::Approx(total));  // scattered agents belong to the first group
  CHECK(records[0].group_sizes[0] == 10.0);
  // Each agent-step counts in exactly one action statistic.
  const StatSlots& slots = batch.program().stats;
  for (std::size_t i = 0; i < 10; ++i) {
    double steps = records[0].agent_stats[slots.invalid_index() * 10 + i];
    for (const ActionFamily& family : batch.program().families) {
      steps += records[0].agent_stats[std::size_t{family.succeeded} * 10 + i];
      steps += records[0].agent_stats[std::size_t{family.failed} * 10 + i];
    }
    CHECK(steps == 60.0);
  }
}

TEST_CASE("statistics can be rewarded, capped") {
  GameConfig config = DrawnConfig({U"@...."});
  config.agent.rewards = {};
  config.agent.rewards.stats = {{"action.move.success", 0.5}};
  config.agent.rewards.stats_max = {{"action.move.success", 1.25}};
  Batch batch(config, 1);
  batch.Reset(0);
  const std::int32_t east = Act(batch.program(), "move_east");
  for (const float expected : {0.5F, 0.5F, 0.25F, 0.0F}) {
    batch.Step({east});
    CHECK(batch.Buffer().rewards[0] == expected);
  }
}

TEST_CASE("losing what was rewarded takes the reward back; what is held at the start is not rewarded") {
  GameConfig config = DrawnConfig({U"n", U"@"});
  config.agent.initial_inventory = {{"ore_red", 1}};
  Batch batch(config, 1);
  batch.Reset(0);
  batch.Step({0});
  CHECK(batch.Buffer().rewards[0] == 0.0F);
  batch.Step({Act(batch.program(), "move_north")});
  CHECK(batch.Buffer().rewards[0] == -0.1F);
}

TEST_CASE("records survive their flat form") {
  GameConfig config = BrawlConfig();
  config.max_steps = 4;
  Batch batch(config, 3);
  batch.Reset(2);
  std::vector<std::int32_t> actions(30);
  for (std::uint32_t step = 0; step < 9; ++step) {
    FillRandomActions(actions, batch.program().num_actions(), 2, step);
    batch.Step(actions);
  }
  std::vector<double> flat;
  const auto records = batch.env().DrainEpisodes();
  for (const EpisodeRecord& record : records) AppendFlat(record, flat);
  std::size_t position = 0;
  for (const EpisodeRecord& record : records) CHECK(ReadFlat(batch.env().games(), flat, position) == record);
  CHECK(position == flat.size());
  flat.pop_back();
  position = 0;
  CHECK_NOTHROW(ReadFlat(batch.env().games(), flat, position));
  position = flat.size() - 10;
  CHECK_THROWS_AS(ReadFlat(batch.env().games(), flat, position), EnvError);
}
