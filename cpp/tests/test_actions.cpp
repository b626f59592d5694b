#include <doctest/doctest.h>

#include <string>
#include <tuple>

#include "games.h"

using namespace mettagrid;
using namespace mettagrid::testing;

namespace {

constexpr std::size_t kHeart = 0;
constexpr std::size_t kOre = 1;
constexpr std::size_t kLaser = 3;
constexpr std::size_t kArmor = 4;

struct Game1 {
  explicit Game1(GameConfig config) : batch(config, 1) { batch.Reset(1); }
  const World& world() { return batch.env().env(0).world(); }
  int Held(std::size_t agent, std::size_t item) { return world().Inventory(AgentId(agent))[item]; }
  std::size_t Slot(const std::string& name) { return StatSlot(batch.program(), name); }
  double Stat(std::size_t agent, std::size_t slot) { return world().Stats(AgentId(agent))[slot]; }
  void Give(std::size_t agent, std::size_t item, Amount amount) {
    batch.env().SetInventory(0, AgentId(agent), ItemId(item), amount);
  }
  bool Allowed(std::size_t agent, const char* name) {
    return batch.Mask(agent)[static_cast<std::size_t>(Act(batch.program(), name))];
  }
  void Step(std::vector<const char*> names) {
    std::vector<std::int32_t> actions;
    for (const char* name : names) actions.push_back(Act(batch.program(), name));
    batch.Step(actions);
  }
  bool Succeeded(std::size_t agent) { return batch.Buffer().action_success[agent]; }
  std::pair<int, int> Place(std::size_t agent) {
    const MapPlan& map = batch.program().map;
    const CellIndex cell = world().agents.cell[agent];
    return {static_cast<int>(map.RowOf(cell)), static_cast<int>(map.ColumnOf(cell))};
  }
  Batch batch;
};

}  // namespace

TEST_CASE("moves go where they say, turn even when blocked, and stop at the map's edge") {
  Game1 game(DrawnConfig({U"#..", U".@.", U"..."}));
  game.Step({"move_north"});
  CHECK(game.Place(0) == std::pair{0, 1});
  CHECK(!game.Allowed(0, "move_north"));  // the edge
  game.Step({"move_north"});
  CHECK(!game.Succeeded(0));
  CHECK(!game.Allowed(0, "move_west"));  // the wall
  game.Step({"move_west"});
  CHECK(!game.Succeeded(0));
  CHECK(game.world().agents.orientation[0] == Orientation::kWest);
  game.Step({"move_south"});
  game.Step({"move_east"});
  CHECK(game.Place(0) == std::pair{1, 2});
  CHECK(game.Stat(0, game.Slot("action.move.success")) == 3);
  CHECK(game.Stat(0, game.Slot("action.move.failed")) == 2);
}

TEST_CASE("two agents that want one cell: one gets it") {
  Game1 game(DrawnConfig({U"@.@"}));
  CHECK(game.Allowed(0, "move_east"));
  CHECK(game.Allowed(1, "move_west"));
  game.Step({"move_east", "move_west"});
  CHECK(game.Succeeded(0) != game.Succeeded(1));
}

TEST_CASE("an agent's cell is allowed, because it may leave; a frozen agent's is not") {
  GameConfig config = DrawnConfig({U"@@."});
  config.agent.freeze_duration = 2;
  Game1 game(config);
  CHECK(game.Allowed(0, "move_east"));
  game.Give(0, kLaser, 1);
  game.Step({"move_east", "noop"});  // faces the other
  game.Step({"attack_0", "noop"});
  CHECK(game.Succeeded(0));
  CHECK(!game.Allowed(0, "move_east"));
  CHECK(!game.Allowed(1, "move_east"));
  CHECK(game.Allowed(1, "noop"));
  CHECK(game.batch.Token(0, 0x56, 2) == 1);  // frozen for one more step
  game.Step({"noop", "move_east"});
  CHECK(!game.Succeeded(1));
  CHECK(game.Stat(1, game.batch.program().stats.frozen_ticks()) == 2);  // the step of the hit and this one
  CHECK(game.Allowed(1, "move_east"));
  game.Step({"noop", "move_east"});
  CHECK(game.Succeeded(1));
}

// The attacker looks east from the west end of the middle row; its left is north:
//     . 1 4 7
//     > 0 3 6
//     . 2 5 8
TEST_CASE("the nine cells of an attack") {
  struct Aim {
    const char* action;
    int row, column;
  };
  const Aim aims[] = {{"attack_0", 1, 1}, {"attack_1", 0, 1}, {"attack_2", 2, 1},
                      {"attack_3", 1, 2}, {"attack_4", 0, 2}, {"attack_5", 2, 2},
                      {"attack_6", 1, 3}, {"attack_7", 0, 3}, {"attack_8", 2, 3}};
  for (const Aim& aim : aims) {
    std::vector<std::u32string> rows = {U"....", U"....", U"...."};
    rows[static_cast<std::size_t>(aim.row)][static_cast<std::size_t>(aim.column)] = U'@';
    const bool first = aim.row == 0;  // the target comes before the attacker in reading order
    rows[1][0] = U'@';
    Game1 game(DrawnConfig(rows));
    const std::size_t attacker = first ? 1 : 0;
    game.Give(attacker, kLaser, 1);
    game.world().agents.orientation[attacker] = Orientation::kEast;
    std::vector<const char*> shoot = {"noop", "noop"};
    shoot[attacker] = aim.action;
    game.Step(shoot);
    CHECK_MESSAGE(game.Succeeded(attacker), aim.action);
    CHECK(game.world().agents.frozen[1 - attacker] == 9);
    CHECK(game.Held(attacker, kLaser) == 0);
  }
}

TEST_CASE("an attack loots up to the attacker's limits, not what is soul-bound, and not twice") {
  GameConfig config = DrawnConfig({U"@", U"@"});
  config.agent.soul_bound_resources = {"heart"};
  Game1 game(config);
  game.Give(1, kLaser, 5);
  game.Give(1, kOre, 45);
  game.Give(0, kOre, 10);
  game.Give(0, kHeart, 3);
  game.Step({"noop", "move_north"});
  game.Step({"noop", "attack_0"});
  CHECK(game.Held(1, kOre) == 50);
  CHECK(game.Held(0, kOre) == 5);
  CHECK(game.Held(0, kHeart) == 3);
  CHECK(game.Stat(1, game.Slot("attack.stolen.ore_red")) == 5);
  game.Give(1, kOre, 0);
  game.Step({"noop", "attack_0"});  // already frozen
  CHECK(game.Held(1, kOre) == 0);
  CHECK(game.Held(1, kLaser) == 3);
  CHECK(game.world().agents.frozen[0] == 9);  // frozen anew
  CHECK(game.Stat(1, game.Slot("attack.hit")) == 2);
}

TEST_CASE("armor blocks, is paid, and frees room only in the next step") {
  GameConfig config = DrawnConfig({U"o", U"@", U"@"});
  config.agent.resource_limits = {{"armor", 1}};
  std::get<ConverterConfig>(config.objects[5].second).initial_resource_count = 2;
  Game1 game(config);
  game.Give(0, kArmor, 1);
  game.Give(1, kLaser, 1);
  game.Step({"noop", "move_north"});
  CHECK(!game.Allowed(0, "move_north"));  // armor is full, no ore to bring
  game.Step({"move_north", "attack_0"});
  CHECK(game.Succeeded(1));
  CHECK(game.Stat(1, game.Slot("attack.blocked")) == 1);
  CHECK(!game.Succeeded(0));  // what the mask ruled out fails although the armor is gone
  CHECK(game.Held(0, kArmor) == 0);
  CHECK(game.Allowed(0, "move_north"));
  game.Step({"move_north", "noop"});
  CHECK(game.Held(0, kArmor) == 1);
}

TEST_CASE("attacks come before moves") {
  GameConfig config = DrawnConfig({U"@", U"@", U"."});
  for (std::uint64_t seed = 0; seed < 8; ++seed) {  // whatever the random order
    Batch batch(config, 1);
    batch.Reset(seed);
    batch.env().SetInventory(0, AgentId(0), ItemId(kLaser), 1);
    batch.Step({Act(batch.program(), "move_south"), 0});
    batch.Step({Act(batch.program(), "attack_0"), Act(batch.program(), "move_south")});
    CHECK(batch.Buffer().action_success[0]);
    CHECK(!batch.Buffer().action_success[1]);
  }
}

TEST_CASE("without a laser or a target an attack is ruled out, fails and costs nothing") {
  Game1 game(DrawnConfig({U"@..@"}));
  CHECK(!game.Allowed(0, "attack_0"));
  game.Step({"attack_0", "noop"});
  CHECK(!game.Succeeded(0));
  game.Give(0, kLaser, 1);
  CHECK(!game.Allowed(0, "attack_0"));
  game.Step({"attack_0", "noop"});
  CHECK(game.Held(0, kLaser) == 1);
}

TEST_CASE("what a move costs is kept back while using and paid on success") {
  GameConfig config = DrawnConfig({U"n.", U"@."});
  config.actions.move.consumed_resources = {{"ore_red", 1}};
  Game1 game(config);
  CHECK(!game.Allowed(0, "move_east"));
  game.Give(0, kOre, 1);
  CHECK(!game.Allowed(0, "move_north"));  // the only ore would be both fare and freight
  CHECK(game.Allowed(0, "move_east"));
  game.Step({"move_north"});
  CHECK(!game.Succeeded(0));
  game.Give(0, kOre, 2);
  game.Step({"move_north"});
  CHECK(game.Succeeded(0));
  CHECK(game.Held(0, kOre) == 0);
}

TEST_CASE("an action that does not exist counts once, fails, and is penalised") {
  GameConfig config = DrawnConfig({U"@"});
  config.agent.action_failure_penalty = 0.25;
  Game1 game(config);
  for (const std::int32_t index : {-1, 14, 2147483647}) {
    game.batch.Step({index});
    CHECK(!game.Succeeded(0));
    CHECK(game.batch.Buffer().rewards[0] == -0.25F);
  }
  CHECK(game.Stat(0, game.batch.program().stats.invalid_index()) == 3);
}

// The attacker stands in the middle. Seen northeast, the nine cells are the square that touches it at a corner:
//     4 6 8
//     1 3 7
//     0 2 5
//   ^
TEST_CASE("the nine cells of a diagonal attack") {
  constexpr int kNorthEast[9][2] = {{1, 1}, {2, 1}, {1, 2}, {2, 2}, {3, 1},
                                    {1, 3}, {3, 2}, {2, 3}, {3, 3}};  // up, right
  // Each quarter turn to the right takes (up, right) to (-right, up).
  const std::pair<Orientation, int> turns[] = {{Orientation::kNorthEast, 0},
                                               {Orientation::kSouthEast, 1},
                                               {Orientation::kSouthWest, 2},
                                               {Orientation::kNorthWest, 3}};
  for (const auto& [facing, quarter_turns] : turns) {
    for (std::size_t k = 0; k < 9; ++k) {
      int up = kNorthEast[k][0];
      int right = kNorthEast[k][1];
      for (int turn = 0; turn < quarter_turns; ++turn) std::tie(up, right) = std::pair{-right, up};
      std::vector<std::u32string> rows(7, U".......");
      rows[static_cast<std::size_t>(3 - up)][static_cast<std::size_t>(3 + right)] = U'@';
      rows[3][3] = U'@';
      Game1 game(DrawnConfig(rows));
      const std::size_t attacker = up > 0 ? 1 : 0;
      game.Give(attacker, kLaser, 1);
      game.world().agents.orientation[attacker] = facing;
      std::vector<const char*> shoot = {"noop", "noop"};
      const std::string name = "attack_" + std::to_string(k);
      shoot[attacker] = name.c_str();
      game.Step(shoot);
      CHECK_MESSAGE(game.Succeeded(attacker), name, " after ", quarter_turns, " quarter turns");
    }
  }
}

TEST_CASE("a fraction of a cost is paid with its probability, and the whole of it must be held") {
  GameConfig config = DrawnConfig({U"@"});
  config.max_steps = 0;
  config.agent.default_resource_limit = 60000;
  config.actions.rotate.enabled = true;
  config.actions.rotate.consumed_resources = {{"ore_red", 1.25}};
  Game1 game(config);
  game.Give(0, kOre, 1);
  CHECK(!game.Allowed(0, "rotate_east"));  // the second unit may be due
  game.Give(0, kOre, 60000);
  constexpr int kTimes = 20000;
  for (int i = 0; i < kTimes; ++i) game.Step({"rotate_east"});
  const double paid = game.Stat(0, game.Slot("ore_red.lost")) / kTimes;
  CHECK(paid == doctest::Approx(1.25).epsilon(0.01));  // 4 standard errors
}

TEST_CASE("what was given in this step cannot be spent in it, who gives first notwithstanding") {
  GameConfig config = DrawnConfig({U"@@n"});
  config.actions.share.enabled = true;
  config.actions.share.shareable_resources = {"ore_red"};
  for (std::uint64_t seed = 0; seed < 8; ++seed) {  // whatever the random order
    Batch batch(config, 1);
    batch.Reset(seed);
    batch.env().SetInventory(0, AgentId(0), ItemId(kOre), 4);
    batch.env().env(0).world().agents.orientation[0] = Orientation::kEast;
    batch.Step({Act(batch.program(), "share"), Act(batch.program(), "move_east")});
    CHECK(batch.Buffer().action_success[0]);
    CHECK(!batch.Buffer().action_success[1]);
    CHECK(batch.env().env(0).world().Inventory(AgentId(1))[kOre] == 2);
    batch.Step({0, Act(batch.program(), "move_east")});
    CHECK(batch.Buffer().action_success[1]);
  }
}
