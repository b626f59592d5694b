#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>

#include "bind.h"
#include "config_reader.h"
#include "mettagrid/env/episode_record.h"
#include "mettagrid/env/game.h"
#include "mettagrid/objects/placement.h"

namespace mettagrid::bindings {
namespace {

std::shared_ptr<Game> Compile(const py::dict& data, std::vector<std::uint8_t> features) {
  GameConfig config;
  Read(data, "game", config);
  return std::make_shared<Game>(config, std::move(features));
}

py::dict Schema() {
  py::dict schema = Describe(GameConfig{});
  schema["groups"] = Describe(GroupConfig{});
  schema["objects"] = DescribeAlternatives(static_cast<const ObjectConfig*>(nullptr));
  schema["systems"] = DescribeOptionals(SystemsConfig{});
  schema["map"] = DescribeAlternatives(static_cast<const MapConfig*>(nullptr));
  return schema;
}

py::object SceneSchema() {
  using Variant = SceneConfig::variant;
  return DescribeAlternatives(static_cast<const Variant*>(nullptr));
}

std::vector<std::string> ActionNames(const Game& game) {
  std::vector<std::string> names;
  for (const Action& action : game.program.actions) names.push_back(action.name);
  return names;
}

std::vector<std::string> CellNames(const Game& game) {
  std::vector<std::string> names{"empty"};
  for (const auto& entry : game.program.map.things) names.push_back(entry.first);
  return names;
}

py::array_t<std::uint8_t> Draw(const MapPlan& map, std::uint64_t seed, std::uint32_t env, std::uint32_t episode,
                               std::uint32_t count) {
  py::array_t<std::uint8_t> drawn(std::vector<py::ssize_t>{count, map.height, map.width});
  const std::size_t cells = std::size_t{map.height} * map.width;
  const std::span symbols(drawn.mutable_data(), cells * count);
  const py::gil_scoped_release release;
  std::vector<std::uint32_t> scratch(ScratchSize(map));
  for (std::uint32_t i = 0; i < count; ++i) {
    DrawSymbols(map, {seed, env, episode + i}, scratch, symbols.subspan(i * cells, cells));
  }
  return drawn;
}

// The maps of `count` episodes of one environment.
py::array_t<std::uint8_t> DrawMaps(const Game& game, std::uint64_t seed, std::uint32_t env, std::uint32_t episode,
                                   std::uint32_t count) {
  return Draw(game.program.map, seed, env, episode, count);
}

// A map without a game: `names` are what it may hold, as (name, kind); a door is an object
// that does not shut its way off.
py::array_t<std::uint8_t> DrawMapAlone(const py::dict& data,
                                       const std::vector<std::pair<std::string, std::string>>& names,
                                       std::uint32_t num_agents, std::uint64_t seed, std::uint32_t count) {
  MapConfig config;
  Read(data, "map", config);
  MG_CHECK(num_agents <= kMaxAgents && names.size() <= 255, ConfigError, "num_agents=", num_agents, " and ",
           names.size(), " names, expected at most ", kMaxAgents, " and 255.");
  ThingNames things;
  for (const auto& [name, kind] : names) {
    MG_CHECK(kind == "static" || kind == "object" || kind == "door" || kind == "agent", ConfigError, "'", name,
             "' has the kind '", kind, "', expected static, object, door or agent.");
    const Thing::Kind known = kind == "static"  ? Thing::Kind::kStatic
                              : kind == "agent" ? Thing::Kind::kAgent
                                                : Thing::Kind::kObject;
    things.things.push_back({name, {known, static_cast<std::uint8_t>(things.things.size()), kind == "door"}});
  }
  return Draw(CompileMap(config, things, num_agents, 0, 0), seed, 0, 0, count);
}

}  // namespace

void BindGame(py::module_& module) {
  py::class_<Game, std::shared_ptr<Game>>(module, "GameProgram", "A compiled, immutable game.")
      .def(py::init(&Compile), py::arg("game"), py::arg("features") = std::vector<std::uint8_t>{},
           "Compile GameConfig.model_dump(mode='json'); `features`: ids of a box's planes, as the EnvSpec lists them.")
      .def_property_readonly("num_agents", [](const Game& game) { return game.program.num_agents; })
      .def_property_readonly("num_tokens", [](const Game& game) { return game.program.obs.num_tokens; })
      .def_property_readonly("feature_ids",
                             [](const Game& game) {
                               const auto& ids = game.program.obs.features;
                               return std::vector<int>(ids.begin(), ids.end());
                             })
      .def_property_readonly("max_steps", [](const Game& game) { return game.program.max_steps; })
      .def_property_readonly("map_width", [](const Game& game) { return game.program.map.width; })
      .def_property_readonly("map_height", [](const Game& game) { return game.program.map.height; })
      .def_property_readonly("action_names", &ActionNames)
      .def_property_readonly("resource_names", [](const Game& game) { return game.program.resource_names; })
      .def_property_readonly("agent_stat_names", [](const Game& game) { return game.program.stats.names(); })
      .def_property_readonly("game_stat_names", [](const Game& game) { return GameStatNames(game.program); })
      .def_property_readonly("group_names", [](const Game& game) { return game.program.group_names; })
      .def_property_readonly("cell_names", &CellNames, "What the values of drawn maps mean; 0 is empty.")
      .def("draw_maps", &DrawMaps, py::kw_only(), py::arg("seed"), py::arg("env") = 0, py::arg("episode") = 0,
           py::arg("count") = 1, "Maps [count, height, width] uint8 of the episodes that start with `episode`.")
      .def_property_readonly("world_bytes", [](const Game& game) { return game.program.layout.num_bytes; });
  module.def("draw_map", &DrawMapAlone, py::arg("map"), py::arg("names"), py::kw_only(), py::arg("num_agents") = 0,
             py::arg("seed") = 0, py::arg("count") = 1,
             "Maps [count, height, width] uint8 without a game: 0 is empty, s > 0 is names[s - 1].");
  module.def("scene_schema", &SceneSchema, "Every kind of scene with its keys and defaults.");
  module.def("config_schema", &Schema, "Every key of the engine's config structs with its default, nested.");
}

}  // namespace mettagrid::bindings
