#include "inspect.h"

#include <algorithm>
#include <utility>

#include "mettagrid/objects/description.h"
#include "mettagrid/objects/object_kinds.h"

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
  object["color"] = world.agents.color[i];
  object["glyph"] = world.agents.glyph[i];
  object["shield"] = world.agents.shield[i] != 0;
  object["inventory"] = InventoryDict(program, world.Inventory(agent));
  object["last_action"] = world.agents.last_action[i];
  object["action_success"] = world.agents.success[i] != 0;
  object["reward"] = world.agents.reward[i];
  object["episode_return"] = world.agents.episode_return[i];
  return object;
}

struct ToPython {
  py::object operator()(bool value) const { return py::bool_(value); }
  py::object operator()(std::int64_t value) const { return py::int_(value); }
  py::object operator()(double value) const { return py::float_(value); }
  py::object operator()(const std::string& value) const { return py::str(value); }
  py::object operator()(const Description::Recipe& recipe) const {
    py::dict amounts;
    for (const auto& [name, amount] : recipe) amounts[py::str(name)] = amount;
    return std::move(amounts);
  }
};

py::dict ObjectDict(const World& world, ObjectId object) {
  const ObjectType& type = world.program->TypeOf(object);
  py::dict properties = Base(*world.program, world.objects.cell[object.index()], type.name, type.type_id);
  properties["inventory"] = InventoryDict(*world.program, world.Inventory(object));
  if (world.program->systems.clipper.enabled) {
    properties["clipped"] = world.objects.clip[object.index()] != Clip::kFree;
  }
  Description description(*world.program);
  KindOf(type).describe(world, object, description);
  for (const auto& [name, value] : description.properties()) properties[py::str(name)] = std::visit(ToPython{}, value);
  return properties;
}

char Glyph(const World& world, CellCode code) {
  const GameProgram& program = *world.program;
  if (code == kEmpty) return '.';
  if (program.IsAgent(code)) return "0123456789abcdefghijklmnopqrstuvwxyz"[program.AgentOf(code).index() % 36];
  const std::string& name =
      program.IsObject(code) ? program.TypeOf(program.ObjectOf(code)).name : program.StaticOf(code).name;
  // As metta/mettagrid/maps/legend.py; tests/mettagrid/render/test_ansi.py compares them.
  constexpr std::pair<const char*, char> kKnown[] = {
      {"wall", '#'},       {"block", 's'},         {"mine_red", 'm'},       {"mine_blue", 'b'},
      {"mine_green", 'g'}, {"generator_red", 'n'}, {"generator_blue", 'B'}, {"generator_green", 'G'},
      {"altar", '_'},      {"armory", 'o'},        {"lasery", 'S'},         {"lab", 'L'},
      {"factory", 'F'},    {"temple", 'T'},        {"converter", 'c'},      {"chest", 'C'},
      {"assembler", 'Z'},  {"door", 'D'},          {"plant", 'y'},          {"pile", '%'}};
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
  for (std::size_t i = 0; i < program.num_agents; ++i) {
    if (world.IsHere(AgentId(i))) objects.append(AgentDict(world, AgentId(i)));
  }
  for (std::size_t i = 0; i < program.num_objects(); ++i) {
    const CellIndex cell = world.objects.cell[i];
    const bool shows = cell != kNowhere && world.cells[cell] == program.CodeOf(ObjectId(i));  // nobody stands on it
    if (shows) objects.append(ObjectDict(world, ObjectId(i)));
  }
  for (CellIndex cell = 0; cell < program.map.num_cells(); ++cell) {
    const CellCode code = world.cells[cell];
    if (!program.IsStatic(code)) continue;
    const StaticType& type = program.StaticOf(code);
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
