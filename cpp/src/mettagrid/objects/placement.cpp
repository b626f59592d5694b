#include "mettagrid/objects/placement.h"

#include <algorithm>
#include <array>
#include <cstring>

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
        const ObjectId object(next_object_[thing.index]++);
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

void Scatter(const Region& region, const MapPlan& map, RandomStream& random, std::span<std::uint32_t> scratch,
             Placer& placer) {
  const auto free_cells = scratch.first(region.area());
  for (std::uint32_t i = 0; i < free_cells.size(); ++i) free_cells[i] = i;
  std::size_t total = 0;
  for (const Region::Batch& batch : region.batches) total += batch.count;
  random.ShuffleFirst(free_cells, total);
  std::size_t next = 0;
  for (const Region::Batch& batch : region.batches) {
    for (std::uint32_t i = 0; i < batch.count; ++i) {
      const std::uint32_t spot = free_cells[next++];
      placer.Place(map.CellAt(region.row + spot / region.width, region.column + spot % region.width), batch.thing);
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
  for (const FixedThing& fixed : map.fixed) placer.Place(fixed.cell, fixed.thing);
  RandomStream random(header.seed, header.env, header.episode, 0, Purpose::kMap);
  for (const Region& region : map.regions) Scatter(region, map, random, scratch, placer);
}

}  // namespace mettagrid
