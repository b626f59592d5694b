#include "mettagrid/objects/placement.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "mettagrid/core/check.h"
#include "mettagrid/core/rng.h"

namespace mettagrid {
namespace {

// Hands out numbers to agents and objects in the order in which they are placed.
class Placer {
 public:
  explicit Placer(const World& world) : world_(world) {
    const auto& types = world.program->object_types;
    for (std::size_t i = 0; i < types.size(); ++i) next_object_[i] = types[i].first;
  }

  void Place(CellIndex cell, Thing thing) {
    const GameProgram& program = *world_.program;
    switch (thing.kind) {
      case Thing::Kind::kStatic:
        world_.Occupy(cell, static_cast<CellCode>(1 + thing.index));
        return;
      case Thing::Kind::kObject: {
        const ObjectType& type = program.object_types[thing.index];
        const ObjectId object(next_object_[thing.index]++);
        MG_CHECK(object.value < type.first + type.count, EnvError, "the map holds more than ", type.count, " '",
                 type.name, "', the most that its scenes should be able to draw.");
        world_.objects.cell[object.index()] = cell;
        world_.Occupy(cell, program.CodeOf(object));
        return;
      }
      case Thing::Kind::kAgent: {
        const AgentId agent(next_agent_++);
        world_.agents.cell[agent.index()] = cell;
        world_.agents.group[agent.index()] = thing.index;
        world_.Occupy(cell, program.CodeOf(agent));
        return;
      }
    }
  }

 private:
  const World& world_;
  std::array<std::uint16_t, kMaxObjectKinds> next_object_{};
  std::uint16_t next_agent_ = 0;
};

template <class Place>
void Scatter(const Region& region, const MapPlan& map, RandomStream& random, std::span<std::uint32_t> scratch,
             const Place& place) {
  const auto free_cells = scratch.first(region.area());
  for (std::uint32_t i = 0; i < free_cells.size(); ++i) free_cells[i] = i;
  std::size_t total = 0;
  for (const Region::Batch& batch : region.batches) total += batch.count;
  random.ShuffleFirst(free_cells, total);
  std::size_t next = 0;
  for (const Region::Batch& batch : region.batches) {
    for (std::uint32_t i = 0; i < batch.count; ++i) {
      const std::uint32_t spot = free_cells[next++];
      place(map.CellAt(region.row + spot / region.width, region.column + spot % region.width), batch.thing);
    }
  }
}

// Calls place(cell, thing) for everything on the map that is not in its base.
template <class Place>
void DrawThings(const MapPlan& map, const maps::MapId& id, std::span<std::uint32_t> scratch, const Place& place) {
  for (const FixedThing& fixed : map.fixed) place(fixed.cell, fixed.thing);
  if (map.generator == nullptr) {
    RandomStream random(id.seed, id.env, id.episode, 0, Purpose::kMap);
    for (const Region& region : map.regions) Scatter(region, map, random, scratch, place);
    return;
  }
  maps::Canvas canvas;
  map.generator->Draw(id, canvas);
  std::size_t next = 0;
  for (std::uint32_t row = 0; row < map.height; ++row) {
    for (std::uint32_t column = 0; column < map.width; ++column) {
      const maps::Symbol symbol = canvas.cells()[next++];
      if (symbol != maps::kFree) place(map.CellAt(row, column), map.things[symbol - 1U].second);
    }
  }
}

}  // namespace

std::size_t ScratchSize(const MapPlan& map) {
  std::size_t largest = 0;
  for (const Region& region : map.regions) largest = std::max<std::size_t>(largest, region.area());
  return largest;
}

void DrawMap(const World& world, std::span<std::uint32_t> scratch) {
  const MapPlan& map = world.program->map;
  const WorldHeader& header = world.header();
  std::memcpy(world.cells, map.base.data(), map.base.size() * sizeof(CellCode));
  std::memcpy(world.occupied, map.base_occupied.data(), map.base_occupied.size());
  std::fill_n(world.objects.cell, world.program->num_objects(), kNowhere);
  Placer placer(world);
  DrawThings(map, {header.seed, header.env, header.episode}, scratch,
             [&placer](CellIndex cell, Thing thing) { placer.Place(cell, thing); });
}

void DrawSymbols(const MapPlan& map, const maps::MapId& id, std::span<std::uint32_t> scratch,
                 std::span<maps::Symbol> symbols) {
  // Symbols of statics, objects and agents by index; the first name of a thing stands for it.
  std::array<std::array<maps::Symbol, 256>, 3> symbol_of{};
  for (std::size_t i = map.things.size(); i-- > 0;) {
    const Thing& thing = map.things[i].second;
    symbol_of[static_cast<std::size_t>(thing.kind)][thing.index] = static_cast<maps::Symbol>(i + 1);
  }
  const auto symbol_at = [&](CellIndex cell) -> maps::Symbol& {
    return symbols[std::size_t{map.RowOf(cell)} * map.width + map.ColumnOf(cell)];
  };
  for (std::uint32_t row = 0; row < map.height; ++row) {
    const CellCode* codes = map.base.data() + map.CellAt(row, 0);
    maps::Symbol* drawn = symbols.data() + std::size_t{row} * map.width;
    for (std::uint32_t column = 0; column < map.width; ++column) {
      drawn[column] = codes[column] == kEmpty ? maps::kFree : symbol_of[0][codes[column] - 1U];
    }
  }
  DrawThings(map, id, scratch, [&](CellIndex cell, Thing thing) {
    symbol_at(cell) = symbol_of[static_cast<std::size_t>(thing.kind)][thing.index];
  });
}

}  // namespace mettagrid
