#include <doctest/doctest.h>

#include <limits>

#include "games.h"

using namespace mettagrid;
using namespace mettagrid::testing;

namespace {

template <class Change>
std::string Fault(Change change) {
  GameConfig config = ArenaConfig(6);
  change(config);
  try {
    CompileGame(config);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

bool Mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("actions are flat and in order; a disabled family is left out") {
  GameConfig config = ArenaConfig(6);
  CHECK(CompileGame(config).num_actions() == 14);
  config.actions.attack.enabled = false;
  const GameProgram program = CompileGame(config);
  CHECK(program.num_actions() == 5);
  CHECK(program.actions[4].name == "move_east");
}

TEST_CASE("statistics keep the order of the Python list") {
  const GameProgram program = CompileGame(ArenaConfig(6));
  const auto& names = program.stats.names();
  CHECK(names[program.stats.Gained(0)] == "heart.gained");
  CHECK(names[program.stats.Lost(1)] == "ore_red.lost");
  CHECK(names[program.stats.Held(4)] == "armor.amount");
  CHECK(names[program.families[2].failed] == "action.attack.failed");
  CHECK(names[program.stats.invalid_index()] == "action.invalid_index");
  CHECK(names[program.stats.frozen_ticks()] == "status.frozen.ticks");
  CHECK(names[program.attack.blocked] == "attack.blocked");
  CHECK(names[program.attack.first_stolen + 4U] == "attack.stolen.armor");
}

TEST_CASE("faults name the key and what was expected") {
  CHECK(Fault([](GameConfig&) {}).empty());
  CHECK(Mentions(Fault([](GameConfig& c) { c.num_agents = 0; }), "num_agents=0, expected 1 .. 1024"));
  CHECK(Mentions(Fault([](GameConfig& c) { c.obs.width = 10; }), "obs.width=10, expected an odd number"));
  CHECK(Mentions(Fault([](GameConfig& c) { c.obs.height = 17; }), "obs.height=17"));
  CHECK(Mentions(Fault([](GameConfig& c) { c.obs.num_tokens = 3; }), "obs.num_tokens=3"));
  CHECK(Mentions(Fault([](GameConfig& c) { c.profile = "classical"; }), "profile='classical'"));
  CHECK(Mentions(Fault([](GameConfig& c) { c.agent.resource_limits = {{"gold", 1}}; }), "'gold'"));
  CHECK(Mentions(Fault([](GameConfig& c) { c.agent.resource_limits = {{"heart", 70000}}; }), "heart=70000"));
  CHECK(Mentions(Fault([](GameConfig& c) {
                   c.agent.initial_inventory = {{"laser", 51}};
                 }),
                 "exceeds the agent's limit"));
  CHECK(Mentions(Fault([](GameConfig& c) { c.agent.rewards.stats = {{"wealth", 1.0}}; }), "'wealth'"));
  CHECK(Mentions(Fault([](GameConfig& c) { c.groups.clear(); }), "groups has 0 entries"));
  CHECK(Mentions(Fault([](GameConfig& c) {
                   std::get<RoomsMapConfig>(c.map).objects.push_back({"lake", 1});
                 }),
                 "'lake'"));
  CHECK(Mentions(Fault([](GameConfig& c) { std::get<RoomsMapConfig>(c.map).objects[0].second = 700; }), "25x25"));
  CHECK(Mentions(Fault([](GameConfig& c) { std::get<RoomsMapConfig>(c.map).rooms = 5000; }), "map.rooms=5000"));
  CHECK(Mentions(Fault([](GameConfig& c) { std::get<RoomsMapConfig>(c.map).border_object = "altar"; }), "not a wall"));
  CHECK(Mentions(Fault([](GameConfig& c) { c.map = RandomMapConfig{.width = 4, .height = 4, .border_width = 2}; }),
                 "map.border_width=2"));
  CHECK(Mentions(Fault([](GameConfig& c) { c.map = RandomMapConfig{.width = -4}; }), "-4x20"));
  CHECK(Mentions(Fault([](GameConfig& c) { std::get<ConverterConfig>(c.objects[1].second).conversion_ticks = 0; }),
                 "objects.mine_red.conversion_ticks=0"));
  CHECK(Mentions(Fault([](GameConfig& c) {
                   std::get<ConverterConfig>(c.objects[2].second).input_resources.push_back({"battery_red", 1});
                 }),
                 "as input and output"));
}

TEST_CASE("faults of drawn maps") {
  CHECK_THROWS_AS(CompileGame(DrawnConfig({U"@.", U"."})), ConfigError);
  CHECK_THROWS_AS(CompileGame(DrawnConfig({U"@?"})), ConfigError);
  GameConfig config = DrawnConfig({U"@@"});
  config.num_agents = 3;
  CHECK_THROWS_AS(CompileGame(config), ConfigError);
  config.map = AsciiMapConfig{};
  CHECK_THROWS_AS(CompileGame(config), ConfigError);
}

TEST_CASE("a resource cannot be named twice in one price") {
  GameConfig config = ArenaConfig(2);
  config.actions.attack.defense_resources = {{"armor", 1}, {"armor", 1}};
  CHECK_THROWS_AS(Game{config}, ConfigError);
}

TEST_CASE("names are given once in every mapping and list of names") {
  const auto refuses = [](const char* key, auto change) {
    GameConfig config = ArenaConfig(2);
    change(config);
    CAPTURE(key);
    try {
      CompileGame(config);
      FAIL_CHECK("accepted");
    } catch (const ConfigError& error) {
      CHECK(std::string(error.what()).find(std::string(key) + " names") != std::string::npos);
    }
  };
  refuses("actions.move.consumed_resources", [](GameConfig& config) {
    config.actions.move.consumed_resources = {{"laser", 1.0}, {"laser", 0.5}};
  });
  refuses("actions.share.shareable_resources", [](GameConfig& config) {
    config.actions.share.shareable_resources = {"heart", "heart"};
  });
  refuses("agent.rewards.inventory", [](GameConfig& config) {
    config.agent.rewards.inventory = {{"heart", 1.0}, {"heart", 1.0}};
  });
  refuses("agent.soul_bound_resources", [](GameConfig& config) {
    config.agent.soul_bound_resources = {"heart", "heart"};
  });
  refuses("groups.agent.limits", [](GameConfig& config) {
    config.groups[0].second.limits = {{"heart", 1}, {"heart", 2}};
  });
  refuses("systems.resource_loss.probability", [](GameConfig& config) {
    config.systems.resource_loss = ResourceLossConfig{{{"heart", 0.5}, {"heart", 0.5}}};
  });
  refuses("resource_names", [](GameConfig& config) { config.resource_names.push_back("heart"); });
  refuses("objects", [](GameConfig& config) { config.objects.push_back(config.objects[0]); });
  refuses("map.objects", [](GameConfig& config) {
    config.map = RandomMapConfig{.objects = {{"altar", 1}, {"altar", 1}}};
  });
}

TEST_CASE("numbers are finite, and rewards bounded") {
  const double huge = 1e300;
  for (const double value : {huge, -huge, std::numeric_limits<double>::quiet_NaN()}) {
    GameConfig config = ArenaConfig(2);
    config.agent.rewards.inventory = {{"heart", value}};
    CHECK_THROWS_AS(CompileGame(config), ConfigError);
    config.agent.rewards.inventory.clear();
    config.reward_sharing = {{1.0, value}, {0.0, 1.0}};
    CHECK_THROWS_AS(CompileGame(config), ConfigError);
    config.reward_sharing.reset();
    config.agent.rewards.terms = {{"x", {.resource = "heart", .floor = value}}};
    CHECK_THROWS_AS(CompileGame(config), ConfigError);
    config.agent.rewards.terms.clear();
    config.terminate_when = {{"heart.amount", value}};
    CHECK_THROWS_AS(CompileGame(config), ConfigError);
    config.terminate_when.clear();
    config.agent.action_failure_penalty = value;
    CHECK_THROWS_AS(CompileGame(config), ConfigError);
  }
}
