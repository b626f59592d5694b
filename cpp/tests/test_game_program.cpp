#include <doctest/doctest.h>

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
