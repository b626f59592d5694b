#include <doctest/doctest.h>

#include "games.h"
#include "mettagrid/core/rng.h"

using namespace mettagrid;
using namespace mettagrid::testing;

namespace {

// Digest over everything that a batch returns in `steps` steps, records included.
std::uint64_t Play(std::size_t threads, std::size_t slots, std::uint32_t steps) {
  Batch batch(BrawlConfig(), 12, slots, threads, true);
  batch.Reset(11);
  std::vector<std::int32_t> actions(batch.env().num_rows());
  std::uint64_t digest = batch.Digest();
  for (std::uint32_t step = 0; step < steps; ++step) {
    FillRandomActions(actions, batch.program().num_actions(), 8, step);
    batch.Step(actions);
    digest = digest * 31 + batch.Digest();
    for (const EpisodeRecord& record : batch.env().DrainEpisodes()) {
      digest = digest * 31 + record.tick * 1000 + record.env;
      for (const double value : record.agent_stats) digest = digest * 31 + static_cast<std::uint64_t>(value);
    }
  }
  for (std::size_t env = 0; env < 12; ++env) digest = digest * 31 + batch.env().env(env).StateHash();
  return digest;
}

}  // namespace

TEST_CASE("results are equal for any number of threads and slots") {
  const std::uint64_t expected = Play(1, 1, 150);
  CHECK(Play(2, 1, 150) == expected);
  CHECK(Play(3, 2, 150) == expected);
  CHECK(Play(7, 4, 150) == expected);
  CHECK(Play(1, 12, 150) == expected);
}

TEST_CASE("a restored world returns what it returned then and goes on alike") {
  Batch batch(BrawlConfig(), 4, 2, 2, true);
  batch.Reset(3);
  std::vector<std::int32_t> actions(batch.env().num_rows());
  const auto play = [&](std::uint32_t from, std::uint32_t to) {
    for (std::uint32_t step = from; step < to; ++step) {
      FillRandomActions(actions, batch.program().num_actions(), 4, step);
      batch.Step(actions);
    }
  };
  play(0, 37);
  std::vector<std::vector<std::byte>> worlds;
  for (std::size_t env = 0; env < 4; ++env) {
    const auto bytes = batch.env().Snapshot(env);
    worlds.emplace_back(bytes.begin(), bytes.end());
  }
  const std::uint64_t here = batch.Digest();
  play(37, 140);
  const std::uint64_t there = batch.Digest();
  const std::uint64_t hash = batch.env().env(2).StateHash();
  CHECK(there != here);
  for (std::size_t env = 0; env < 4; ++env) batch.env().Restore(env, worlds[env]);
  batch.env().MarkReady();
  batch.env().Recv(0);
  batch.env().Recv(1);
  CHECK(batch.Digest() == here);
  play(37, 140);
  CHECK(batch.Digest() == there);
  CHECK(batch.env().env(2).StateHash() == hash);
}

TEST_CASE("snapshots of another game are refused") {
  Batch batch(BrawlConfig(), 1);
  Batch other(ArenaConfig(10), 1);
  batch.Reset(3);
  other.Reset(3);
  CHECK_THROWS_AS(batch.env().Restore(0, other.env().Snapshot(0)), EnvError);
  const auto bytes = batch.env().Snapshot(0);
  std::vector<std::byte> changed(bytes.begin(), bytes.end());
  changed[0] ^= std::byte{0xFF};  // the format
  CHECK_THROWS_AS(batch.env().Restore(0, changed), EnvError);
  CHECK_THROWS_AS(batch.env().Restore(0, std::span(bytes).first(bytes.size() - 1)), EnvError);
}

TEST_CASE("damaged snapshots are refused or harmless") {
  Batch batch(BrawlConfig(), 1);
  batch.Reset(3);
  std::vector<std::int32_t> actions(10);
  const auto bytes = batch.env().Snapshot(0);
  const std::vector<std::byte> whole(bytes.begin(), bytes.end());
  RandomStream random(6, 0, 0, 0, Purpose::kMap);
  int refused = 0;
  for (std::uint32_t attempt = 0; attempt < 600; ++attempt) {
    std::vector<std::byte> damaged = whole;
    damaged[random.Below(static_cast<std::uint32_t>(whole.size()))] ^= static_cast<std::byte>(1 + random.Below(255));
    try {
      batch.env().Restore(0, damaged);
    } catch (const EnvError&) {
      ++refused;
    }
    for (std::uint32_t step = 0; step < 3; ++step) {
      FillRandomActions(actions, batch.program().num_actions(), attempt, step);
      batch.Step(actions);
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("use against the protocol is named") {
  const GameConfig config = ArenaConfig(2);
  Batch batch(config, 4, 2);
  const std::vector<std::int32_t> noops(4, 0);
  CHECK_THROWS_WITH_AS(batch.env().Recv(0), "the batch was never reset. Call reset(seed) first.", EnvError);
  CHECK_THROWS_AS(batch.env().Send(0, noops), EnvError);
  batch.env().Reset(0);
  CHECK_THROWS_AS(batch.env().Send(0, noops), EnvError);  // not received yet
  batch.env().Recv(0);
  batch.env().Recv(0);  // asking again is fine
  batch.env().Send(0, noops);
  CHECK_THROWS_AS(batch.env().Send(0, noops), EnvError);
  CHECK_THROWS_AS(batch.env().Recv(2), EnvError);
  CHECK_THROWS_AS(batch.env().env(4), EnvError);
  batch.env().Recv(0);
  CHECK_THROWS_AS(batch.env().Send(0, std::span(noops).first(3)), ShapeError);
  const auto game = std::make_shared<const Game>(config);
  VecEnv unbound({game}, {});
  CHECK_THROWS_AS(unbound.Reset(0), EnvError);
}

TEST_CASE("impossible batches are refused") {
  const auto game = std::make_shared<const Game>(ArenaConfig(2));
  const auto other = std::make_shared<const Game>(ArenaConfig(3));
  CHECK_THROWS_AS(VecEnv({}, {}), ConfigError);
  CHECK_THROWS_AS(VecEnv({game}, {.num_envs = 0}), ConfigError);
  CHECK_THROWS_AS(VecEnv({game}, {.num_envs = 3, .num_slots = 2}), ConfigError);
  CHECK_THROWS_AS(VecEnv({game}, {.num_threads = 0}), ConfigError);
  CHECK_THROWS_AS(VecEnv({game, other}, {.num_envs = 2}), ConfigError);
}

TEST_CASE("environments of one batch may play different games of equal spaces") {
  GameConfig longer = ArenaConfig(2);
  longer.max_steps = 7;
  longer.map = RandomMapConfig{.width = 40, .height = 30, .objects = {{"altar", 3}}};
  GameConfig shorter = ArenaConfig(2);
  shorter.max_steps = 5;
  VecEnv env({std::make_shared<const Game>(longer), std::make_shared<const Game>(shorter)}, {.num_envs = 4});
  Batch buffers(shorter, 4);
  env.Bind(buffers.Buffer());
  env.Reset(0);
  const std::vector<std::int32_t> noops(8, 0);
  for (int step = 0; step < 8; ++step) {
    env.Recv(0);
    env.Send(0, noops);
  }
  const auto records = env.DrainEpisodes();
  REQUIRE(records.size() == 4);
  CHECK(records[0].length == 5);
  CHECK(records[0].env == 1);
  CHECK(records[1].env == 3);
  CHECK(records[2].length == 7);
}
