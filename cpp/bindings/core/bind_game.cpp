#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>

#include "bind.h"
#include "config_reader.h"
#include "mettagrid/env/episode_record.h"
#include "mettagrid/env/game.h"

namespace mettagrid::bindings {
namespace {

std::shared_ptr<Game> Compile(const py::dict& data) {
  GameConfig config;
  Read(data, "game", config);
  return std::make_shared<Game>(config);
}

py::dict Schema() {
  py::dict schema = Describe(GameConfig{});
  schema["groups"] = Describe(GroupConfig{});
  schema["objects"] = DescribeAlternatives(static_cast<const ObjectConfig*>(nullptr));
  schema["systems"] = DescribeOptionals(SystemsConfig{});
  schema["map"] = DescribeAlternatives(static_cast<const MapConfig*>(nullptr));
  return schema;
}

std::vector<std::string> ActionNames(const Game& game) {
  std::vector<std::string> names;
  for (const Action& action : game.program.actions) names.push_back(action.name);
  return names;
}

}  // namespace

void BindGame(py::module_& module) {
  py::class_<Game, std::shared_ptr<Game>>(module, "GameProgram", "A compiled, immutable game.")
      .def(py::init(&Compile), py::arg("game"), "Compile GameConfig.model_dump(mode='json').")
      .def_property_readonly("num_agents", [](const Game& game) { return game.program.num_agents; })
      .def_property_readonly("num_tokens", [](const Game& game) { return game.program.obs.num_tokens; })
      .def_property_readonly("max_steps", [](const Game& game) { return game.program.max_steps; })
      .def_property_readonly("map_width", [](const Game& game) { return game.program.map.width; })
      .def_property_readonly("map_height", [](const Game& game) { return game.program.map.height; })
      .def_property_readonly("action_names", &ActionNames)
      .def_property_readonly("resource_names", [](const Game& game) { return game.program.resource_names; })
      .def_property_readonly("agent_stat_names", [](const Game& game) { return game.program.stats.names(); })
      .def_property_readonly("game_stat_names", [](const Game& game) { return GameStatNames(game.program); })
      .def_property_readonly("group_names", [](const Game& game) { return game.program.group_names; })
      .def_property_readonly("world_bytes", [](const Game& game) { return game.program.layout.num_bytes; });
  module.def("config_schema", &Schema, "Every key of the engine's config structs with its default, nested.");
}

}  // namespace mettagrid::bindings
