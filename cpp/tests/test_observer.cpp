#include <doctest/doctest.h>

#include "games.h"
#include "mettagrid/observe/observer.h"

using namespace mettagrid;
using namespace mettagrid::testing;

TEST_CASE("window cells come by distance, then row, then column") {
  const auto cells = CellsByDistance(11, 11);
  CHECK(cells.size() == 121);
  const int expected[][2] = {{0, 0},  {-1, 0}, {0, -1}, {0, 1},  {1, 0}, {-2, 0}, {-1, -1},
                             {-1, 1}, {0, -2}, {0, 2},  {1, -1}, {1, 1}, {2, 0}};
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    CHECK(cells[i].row == expected[i][0]);
    CHECK(cells[i].column == expected[i][1]);
  }
  CHECK(CellsByDistance(3, 15).size() == 45);
  CHECK(CellsByDistance(15, 15).size() == 225);
}

TEST_CASE("global tokens, then the agent itself, then its surroundings, then padding") {
  GameConfig config = DrawnConfig({U"#.", U"@."});
  config.agent.initial_inventory = {{"ore_red", 2}, {"armor", 7}};
  Batch batch(config, 1);
  batch.Reset(0);
  const std::uint8_t expected[] = {0xFE, 7,  0, 0xFE, 8,  0, 0xFE, 10, 128,               // completion, action, reward
                                   0x55, 0,  0, 0x55, 1,  0, 0x55, 3,  0,                 // type, group, orientation
                                   0x55, 18, 2, 0x55, 21, 7, 0x45, 0,  1,   0xFF, 0xFF};  // ore, armor, the wall
  const auto tokens = batch.Observation(0);
  for (std::size_t i = 0; i < std::size(expected); ++i) CHECK(tokens[i] == expected[i]);
  for (std::size_t i = 27; i < tokens.size(); ++i) CHECK(tokens[i] == 0xFF);
  CHECK(batch.Buffer().used_tokens[0] == 9);
}

TEST_CASE("an observation equals a plain scan of the window") {
  for (const auto& [width, height] : {std::pair{11, 11}, std::pair{3, 3}, std::pair{15, 15}, std::pair{13, 5}}) {
    GameConfig config = BrawlConfig();
    config.obs = {.width = width, .height = height};
    Batch batch(config, 1);
    batch.Reset(4);
    std::vector<std::int32_t> actions(batch.env().num_rows());
    for (std::uint32_t step = 0; step < 50; ++step) {
      FillRandomActions(actions, batch.program().num_actions(), 3, step);
      batch.Step(actions);
      const World& world = batch.env().env(0).world();
      const MapPlan& map = batch.program().map;
      for (std::size_t i = 0; i < actions.size(); ++i) {
        std::vector<std::uint8_t> expected;
        for (const WindowCell& cell : CellsByDistance(width, height)) {
          const auto place = static_cast<std::int64_t>(world.agents.cell[i]) +
                             cell.row * static_cast<std::int64_t>(map.stride()) + cell.column;
          const CellCode code = world.cells[place];
          if (code == kEmpty || code == kOutside) continue;
          const std::uint8_t* run = world.RunOf(code);
          for (std::size_t token = 0; token < run[batch.program().layout.run_bytes - 1]; ++token) {
            expected.push_back(static_cast<std::uint8_t>((cell.row + height / 2) << 4 | (cell.column + width / 2)));
            expected.push_back(run[3 * token + 1]);
            expected.push_back(run[3 * token + 2]);
          }
        }
        const auto tokens = batch.Observation(i).subspan(9);
        expected.resize(tokens.size(), 0xFF);
        CHECK(std::equal(expected.begin(), expected.end(), tokens.begin()));
      }
    }
  }
}

TEST_CASE("what does not fit is dropped from the far end and counted; rows never run into the next") {
  GameConfig wide = BrawlConfig();
  GameConfig narrow = wide;
  narrow.obs.num_tokens = 17;
  Batch all(wide, 1);
  Batch few(narrow, 1);
  all.Reset(4);
  few.Reset(4);
  std::uint64_t dropped = 0;
  for (std::size_t row = 0; row < 10; ++row) {
    const auto full = all.Observation(row);
    const auto cut = few.Observation(row);
    CHECK(std::equal(cut.begin(), cut.end(), full.begin()));
    CHECK(few.Buffer().used_tokens[row] == std::min<int>(17, all.Buffer().used_tokens[row]));
    dropped += all.Buffer().used_tokens[row] - few.Buffer().used_tokens[row];
  }
  CHECK(dropped > 0);
  CHECK(few.env().env(0).world().header().tokens_dropped == dropped);
}

TEST_CASE("completion, last action and last reward tell the truth about the step just done") {
  GameConfig config = DrawnConfig({U"m", U"@"});
  config.max_steps = 10;
  std::get<ConverterConfig>(config.objects[1].second).initial_resource_count = 1;
  Batch batch(config, 1);
  batch.Reset(0);
  batch.Step({Act(batch.program(), "move_north")});
  CHECK(batch.Buffer().rewards[0] == doctest::Approx(0.1));
  CHECK(batch.Token(0, 0xFE, 7) == 25);  // floor(255 / 10)
  CHECK(batch.Token(0, 0xFE, 8) == 1);
  CHECK(batch.Token(0, 0xFE, 10) == 138);
}

TEST_CASE("rewards beyond the token's range saturate") {
  GameConfig config = DrawnConfig({U"m", U"@"});
  config.agent.rewards.inventory = {{"ore_red", 50.0}};
  config.agent.rewards.inventory_max = {};
  config.agent.action_failure_penalty = 9.0;
  std::get<ConverterConfig>(config.objects[1].second).initial_resource_count = 1;
  Batch batch(config, 1);
  batch.Reset(0);
  batch.Step({Act(batch.program(), "move_north")});
  CHECK(batch.Token(0, 0xFE, 10) == 255);
  batch.Step({Act(batch.program(), "move_south")});
  CHECK(batch.Token(0, 0xFE, 10) == 0);
}
