#include <doctest/doctest.h>

#include <algorithm>

#include "games.h"

using namespace mettagrid;
using namespace mettagrid::testing;

namespace {

GamePtr Brawl(std::int64_t max_steps, std::int64_t width) {
  GameConfig config = BrawlConfig();
  config.max_steps = max_steps;
  std::get<RoomsMapConfig>(config.map).room_width = width;
  return std::make_shared<const Game>(config);
}

void Play(Batch& batch, std::uint32_t begin, std::uint32_t end) {
  std::vector<std::int32_t> actions(batch.env().num_rows());
  for (std::uint32_t step = begin; step < end; ++step) {
    FillRandomActions(actions, batch.program().num_actions(), 9, step);
    batch.Step(actions);
  }
}

}  // namespace

TEST_CASE("games change at the next reset, on any thread, and records tell which was played") {
  std::vector<std::uint64_t> digests;
  for (const std::size_t threads : {1, 3}) {
    GameConfig config = BrawlConfig();
    config.max_steps = 6;
    Batch batch(config, 48, 2, threads);
    batch.Reset(1);
    Play(batch, 0, 3);
    const std::size_t other = batch.env().AddGame(Brawl(4, 30));
    for (std::size_t env = 0; env < 48; env += 2) batch.env().SetGame(env, other);
    CHECK(batch.env().Playing(0) == std::pair<std::size_t, std::size_t>{0, other});
    Play(batch, 3, 30);
    CHECK(batch.env().Playing(0) == std::pair<std::size_t, std::size_t>{other, other});
    for (const EpisodeRecord& record : batch.env().DrainEpisodes()) {
      const bool changed = record.env % 2 == 0 && record.episode > 0;
      CHECK(record.game == (changed ? other : 0));
      CHECK(record.length == (changed ? 4 : 6));
    }
    digests.push_back(batch.Digest());
  }
  CHECK(digests[0] == digests[1]);
}

TEST_CASE("numbers of games that nobody plays are given again; other spaces are refused") {
  GameConfig config = BrawlConfig();
  config.max_steps = 2;
  Batch batch(config, 2);
  batch.Reset(1);
  const GamePtr game = Brawl(2, 30);
  CHECK(batch.env().AddGame(game) == 1);
  CHECK(batch.env().AddGame(game) == 1);
  batch.env().SetGame(0, 1);
  CHECK(batch.env().AddGame(Brawl(3, 30)) == 2);
  CHECK(batch.env().AddGame(Brawl(5, 30)) == 2);  // nobody was told to play it
  batch.env().SetGame(0, 0);
  CHECK(batch.env().AddGame(Brawl(4, 30)) == 1);
  CHECK_THROWS_AS(batch.env().AddGame(std::make_shared<const Game>(ArenaConfig(3))), ConfigError);
  CHECK_THROWS_AS(batch.env().SetGame(0, 9), EnvError);
}

TEST_CASE("same-step reset shows the end and the next beginning, and snapshots bring both back") {
  GameConfig config = BrawlConfig();
  config.max_steps = 3;
  config.obs.global_state = true;
  Batch batch(config, 1, 1, 1, false, true);
  Batch later(config, 1);
  batch.Reset(4);
  later.Reset(4);
  Play(batch, 0, 3);
  Play(later, 0, 3);
  CHECK(batch.Buffer().truncated[0]);
  CHECK(batch.Buffer().first[0]);
  CHECK(std::ranges::equal(batch.Buffer().final_observations, later.Buffer().observations));
  CHECK(std::ranges::equal(batch.Buffer().final_state, later.Buffer().state));
  CHECK(!std::ranges::equal(batch.Buffer().final_state, batch.Buffer().state));
  CHECK(std::ranges::equal(batch.Buffer().rewards, later.Buffer().rewards));
  const std::uint64_t digest = batch.Digest();
  const std::vector<std::byte> bytes = batch.env().Snapshot(0);
  const SavedWorld saved = batch.env().Save(0);
  Play(batch, 3, 5);
  CHECK(batch.Digest() != digest);
  std::ranges::fill(batch.Buffer().final_observations, std::uint8_t{7});
  std::ranges::fill(batch.Buffer().final_state, std::uint8_t{7});
  batch.env().Restore(0, bytes);
  CHECK(batch.Digest() == digest);
  CHECK(std::ranges::equal(batch.Buffer().final_observations, later.Buffer().observations));
  CHECK(std::ranges::equal(batch.Buffer().final_state, later.Buffer().state));
  Play(batch, 3, 5);
  batch.env().Load(0, saved);
  CHECK(batch.Digest() == digest);
  CHECK_THROWS_AS(later.env().Restore(0, bytes), EnvError);
  for (const std::size_t cut : {bytes.size() - 1, bytes.size() - 700}) {
    CHECK_THROWS_AS(batch.env().Restore(0, std::span(bytes).first(cut)), EnvError);
  }
}
