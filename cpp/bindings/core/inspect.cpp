#include "inspect.h"

#include <algorithm>

namespace mettagrid::bindings {
namespace {

namespace py = pybind11;

py::dict InventoryDict(const GameProgram& program, std::span<const Amount> amounts) {
  py::dict inventory;
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    if (amounts[i] > 0) inventory[py::str(program.resource_names[i])] = amounts[i];
  }
  return inventory;
}

py::dict Recipe(const GameProgram& program, std::span<const ItemAmount> amounts) {
  py::dict recipe;
  for (const ItemAmount& entry : amounts) recipe[py::str(program.resource_names[entry.item.index()])] = entry.amount;
  return recipe;
}

py::dict Base(const GameProgram& program, CellIndex cell, const std::string& name, std::uint8_t type_id) {
  py::dict object;
  object["type"] = name;
  object["type_id"] = type_id;
  object["r"] = program.map.RowOf(cell);
  object["c"] = program.map.ColumnOf(cell);
  return object;
}

py::dict AgentDict(const World& world, AgentId agent) {
  const GameProgram& program = *world.program;
  const std::size_t i = agent.index();
  py::dict object = Base(program, world.agents.cell[i], "agent", 0);
  const std::size_t group = world.agents.group[i];
  object["agent_id"] = i;
  object["group"] = program.group_names[group];
  object["group_id"] = program.group_ids[group];
  object["orientation"] = static_cast<int>(world.agents.orientation[i]);
  object["frozen"] = world.agents.frozen[i];
  object["inventory"] = InventoryDict(program, world.Inventory(agent));
  object["last_action"] = world.agents.last_action[i];
  object["action_success"] = world.agents.success[i] != 0;
  object["reward"] = world.agents.reward[i];
  object["episode_return"] = world.agents.episode_return[i];
  return object;
}

py::dict ConverterDict(const World& world, ConverterId converter) {
  const GameProgram& program = *world.program;
  const ConverterType& type = program.TypeOf(converter);
  const std::size_t i = converter.index();
  py::dict object = Base(program, world.converters.cell[i], type.name, type.type_id);
  const ConverterPhase phase = world.converters.phase[i];
  const std::uint32_t left = world.converters.until[i] - world.header().step;
  object["phase"] = phase == ConverterPhase::kIdle         ? "idle"
                    : phase == ConverterPhase::kConverting ? "converting"
                                                           : "cooling";
  object["conversion_remaining"] = phase == ConverterPhase::kConverting ? left : 0;
  object["cooldown_remaining"] = phase == ConverterPhase::kCooling ? left : 0;
  object["conversion_ticks"] = type.conversion_ticks;
  object["cooldown"] = type.cooldown;
  object["conversions_left"] = world.converters.conversions_left[i];
  object["max_output"] = type.max_output;
  object["inventory"] = InventoryDict(program, world.Inventory(converter));
  object["input_resources"] = Recipe(program, type.inputs);
  object["output_resources"] = Recipe(program, type.outputs);
  return object;
}

char Glyph(const World& world, CellCode code) {
  const GameProgram& program = *world.program;
  if (code == kEmpty) return '.';
  if (program.IsAgent(code)) return "0123456789abcdefghijklmnopqrstuvwxyz"[program.AgentOf(code).index() % 36];
  const std::string& name =
      program.IsConverter(code) ? program.TypeOf(program.ConverterOf(code)).name : program.statics[code - 1U].name;
  constexpr std::pair<const char*, char> kKnown[] = {{"wall", '#'},          {"altar", '_'},  {"mine_red", 'm'},
                                                     {"generator_red", 'n'}, {"lasery", 'S'}, {"armory", 'o'}};
  for (const auto& [known, glyph] : kKnown) {
    if (name == known) return glyph;
  }
  const char letter = name.empty() ? '?' : name.front();
  return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

}  // namespace

py::list GridObjects(const World& world) {
  const GameProgram& program = *world.program;
  py::list objects;
  for (std::size_t i = 0; i < program.num_agents; ++i) objects.append(AgentDict(world, AgentId(i)));
  for (std::size_t i = 0; i < program.num_converters(); ++i) objects.append(ConverterDict(world, ConverterId(i)));
  for (CellIndex cell = 0; cell < program.map.num_cells(); ++cell) {
    const CellCode code = world.cells[cell];
    if (code == kEmpty || code >= program.first_agent_code) continue;
    const StaticType& type = program.statics[code - 1U];
    objects.append(Base(program, cell, type.name, type.type_id));
  }
  std::size_t id = 0;
  for (const auto& object : objects) object.cast<py::dict>()["id"] = id++;
  return objects;
}

std::string RenderText(const World& world) {
  const MapPlan& map = world.program->map;
  std::string text;
  for (std::uint32_t row = 0; row < map.height; ++row) {
    if (row > 0) text += '\n';
    for (std::uint32_t column = 0; column < map.width; ++column) {
      text += Glyph(world, world.cells[map.CellAt(row, column)]);
    }
  }
  return text;
}

}  // namespace mettagrid::bindings
