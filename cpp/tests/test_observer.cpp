#include <doctest/doctest.h>

#include <algorithm>

#include "games.h"
#include "mettagrid/core/rng.h"
#include "mettagrid/objects/features.h"
#include "mettagrid/observe/line_of_sight.h"
#include "mettagrid/observe/window.h"

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

TEST_CASE("circular windows hold the cells within the radius and those beside the tips") {
  const std::pair<std::int32_t, std::size_t> expected[] = {{3, 5},   {5, 21},   {7, 37},  {9, 57},
                                                           {11, 89}, {13, 121}, {15, 157}};
  for (const auto& [size, count] : expected) CHECK(CellsByDistance(size, size, WindowShape::kCircle).size() == count);
  const auto oblong = CellsByDistance(9, 5, WindowShape::kCircle);
  for (const WindowCell& cell : oblong) CHECK((std::abs(cell.row) <= 2 && std::abs(cell.column) <= 4));
  CHECK(oblong.size() == 33);
}

TEST_CASE("a cell is in sight of another exactly when that one is in sight of it") {
  // Random obstacles in a 15x15 window; each pair of cells is looked at from both ends.
  GameConfig config = DrawnConfig({U"@"});
  config.obs = {.width = 15, .height = 15};
  const GameProgram program = CompileGame(config);
  const Window window(program);
  const LineOfSight sight(window);
  RandomStream random(1, 0, 0, 0, Purpose::kMap);
  const auto seen_from = [&](const std::vector<bool>& walls, std::int32_t row, std::int32_t column) {
    RankSet<4> opaque{};
    for (std::size_t rank = 0; rank < window.cells().size(); ++rank) {
      const std::int32_t there = (row + window.cells()[rank].row) * 40 + column + window.cells()[rank].column;
      if (walls[static_cast<std::size_t>(there)]) opaque[rank / 64] |= std::uint64_t{1} << (rank % 64);
    }
    return sight.Seen(opaque);
  };
  std::size_t hidden = 0;
  for (int trial = 0; trial < 40; ++trial) {
    std::vector<bool> walls(40 * 40);
    for (std::size_t i = 0; i < walls.size(); ++i) walls[i] = random.Below(6) == 0;
    const auto here = seen_from(walls, 20, 20);
    for (std::size_t rank = 0; rank < window.cells().size(); ++rank) {
      const auto [row, column] = window.cells()[rank];
      if (walls[20 * 40 + 20] || walls[static_cast<std::size_t>((20 + row) * 40 + 20 + column)]) continue;
      const auto there = seen_from(walls, 20 + row, 20 + column);
      const auto back = static_cast<std::size_t>(
          std::find_if(window.cells().begin(), window.cells().end(),
                       [&](const WindowCell& cell) { return cell.row == -row && cell.column == -column; }) -
          window.cells().begin());
      const bool forth = (here[rank / 64] >> (rank % 64) & 1) != 0;
      CHECK(forth == ((there[back / 64] >> (back % 64) & 1) != 0));
      hidden += forth ? 0 : 1;
    }
  }
  CHECK(hidden > 500);
}

TEST_CASE("tokens that do not fit are an error where the game says so, with the environment, agent and number") {
  GameConfig config = BrawlConfig();
  config.obs.num_tokens = 17;
  config.obs.overflow = "error";
  Batch batch(config, 2);
  CHECK_THROWS_WITH_AS(batch.Reset(4), doctest::Contains("obs.num_tokens=17 and obs.overflow='error'"), EnvError);
}

TEST_CASE("a box holds what the tokens say, and the agents' own plane") {
  GameConfig tokens = BrawlConfig();
  tokens.obs = {.width = 7, .height = 9, .num_tokens = 400, .visitation_counts = true};
  GameConfig boxes = tokens;
  boxes.obs.kind = "box";
  Batch left(tokens, 1);
  Batch right(boxes, 1);
  left.Reset(4);
  right.Reset(4);
  const GameProgram& program = right.program();
  std::vector<std::int32_t> actions(left.env().num_rows());
  for (std::uint32_t step = 0; step < 20; ++step) {
    FillRandomActions(actions, program.num_actions(), 3, step);
    left.Step(actions);
    right.Step(actions);
    for (std::size_t row = 0; row < actions.size(); ++row) {
      std::vector<std::uint8_t> expected(program.obs.num_bytes());
      const auto observed = left.Observation(row);
      for (std::size_t i = 0; i < observed.size() && observed[i] != kPadding; i += 3) {
        const auto& ids = program.obs.features;
        const auto plane = static_cast<std::size_t>(std::find(ids.begin(), ids.end(), observed[i + 1]) - ids.begin());
        const auto begin = expected.begin() + static_cast<std::ptrdiff_t>((1 + plane) * 63);
        const std::ptrdiff_t place = (observed[i] >> 4) * 7 + (observed[i] & 15);
        if (observed[i] == kGlobalLocation) {
          std::fill(begin, begin + 63, observed[i + 2]);
        } else {
          begin[place] = observed[i + 2];
          if (observed[i + 1] == feature::kGroup) expected[static_cast<std::size_t>(place)] = 1;
        }
      }
      const auto box = right.Observation(row);
      CHECK(std::equal(expected.begin(), expected.end(), box.begin(), box.end()));
    }
  }
}
