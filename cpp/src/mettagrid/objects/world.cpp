#include "mettagrid/objects/world.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>

#include "mettagrid/core/rng.h"

namespace mettagrid {
namespace {

template <class T>
T* Column(std::byte* bytes, std::size_t offset) {
  return reinterpret_cast<T*>(bytes + offset);
}

// Hands out numbers to agents and converters in the order in which they are placed.
class Placer {
 public:
  explicit Placer(const World& world) : world_(world) {
    const auto& types = world.program->converter_types;
    for (std::size_t i = 0; i < types.size(); ++i) next_converter_[i] = types[i].first;
  }

  void Place(CellIndex cell, Thing thing) {
    const GameProgram& program = *world_.program;
    switch (thing.kind) {
      case Thing::Kind::kStatic:
        world_.Occupy(cell, static_cast<CellCode>(1 + thing.index));
        return;
      case Thing::Kind::kConverter: {
        const ConverterId converter(next_converter_[thing.index]++);
        world_.converters.cell[converter.index()] = cell;
        world_.Occupy(cell, program.CodeOf(converter));
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
  std::array<std::uint16_t, kMaxObjectKinds> next_converter_{};
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

void FillConverters(const World& world) {
  for (const ConverterType& type : world.program->converter_types) {
    for (std::size_t i = type.first; i < std::size_t{type.first} + type.count; ++i) {
      const ConverterId converter(i);
      world.converters.conversions_left[i] = type.max_conversions;
      for (const ItemAmount& output : type.outputs) {
        world.Inventory(converter)[output.item.index()] = type.initial_amount;
      }
      world.Touch(converter);
    }
  }
}

// Every cell holds what exists, the padding is whole, and the occupancy set agrees.
bool GridIsSound(const World& world, std::size_t num_codes) {
  const GameProgram& program = *world.program;
  std::size_t agents_seen = 0;
  for (CellIndex cell = 0; cell < program.map.num_cells(); ++cell) {
    const CellCode code = world.cells[cell];
    const bool outside = program.map.base[cell] == kOutside;
    if (outside != (code == kOutside) || (!outside && code >= num_codes)) return false;
    const bool marked = (world.occupied[cell >> 3] >> (cell & 7) & 1) != 0;
    if (marked != (code != kEmpty && code != kOutside)) return false;
    agents_seen += program.IsAgent(code) ? 1 : 0;
  }
  return agents_seen == program.num_agents;
}

bool AgentIsSound(const World& world, AgentId agent) {
  const GameProgram& program = *world.program;
  const std::size_t i = agent.index();
  const CellIndex cell = world.agents.cell[i];
  const auto held = world.Inventory(agent);
  return cell < program.map.num_cells() && world.cells[cell] == program.CodeOf(agent) &&
         world.agents.group[i] < program.group_ids.size() &&
         static_cast<std::size_t>(world.agents.orientation[i]) < kNumOrientations &&
         world.agents.last_action[i] < program.num_actions() &&
         std::equal(held.begin(), held.end(), program.resource_limits.begin(), std::less_equal<>());
}

bool ConvertersAreSound(const World& world) {
  const GameProgram& program = *world.program;
  for (std::size_t i = 0; i < program.num_converters(); ++i) {
    const CellIndex cell = world.converters.cell[i];
    if (cell >= program.map.num_cells() || world.cells[cell] != program.CodeOf(ConverterId(i))) return false;
    if (world.converters.phase[i] > ConverterPhase::kCooling) return false;
  }
  const std::size_t last_word = program.num_converters() / 64;
  const std::size_t tail = program.num_converters() % 64;
  return tail == 0 || ((world.converters.awake[last_word] | world.converters.changed[last_word]) >> tail) == 0;
}

}  // namespace

World::World(const GameProgram& compiled, std::byte* bytes)
    : program(&compiled),
      cells(Column<CellCode>(bytes, compiled.layout.cells)),
      occupied(Column<std::uint8_t>(bytes, compiled.layout.occupied)),
      runs(Column<std::uint8_t>(bytes, compiled.layout.runs)),
      agents{
          .cell = Column<CellIndex>(bytes, compiled.layout.agent_cell),
          .orientation = Column<Orientation>(bytes, compiled.layout.agent_orientation),
          .frozen = Column<std::uint16_t>(bytes, compiled.layout.agent_frozen),
          .group = Column<std::uint8_t>(bytes, compiled.layout.agent_group),
          .last_action = Column<std::uint8_t>(bytes, compiled.layout.agent_last_action),
          .success = Column<std::uint8_t>(bytes, compiled.layout.agent_success),
          .changed = Column<std::uint8_t>(bytes, compiled.layout.agent_changed),
          .reward = Column<float>(bytes, compiled.layout.agent_reward),
          .episode_return = Column<double>(bytes, compiled.layout.agent_return),
          .potential = Column<double>(bytes, compiled.layout.agent_potential),
          .inventory = Column<Amount>(bytes, compiled.layout.agent_inventory),
          .inventory_before = Column<Amount>(bytes, compiled.layout.agent_inventory_before),
          .stats = Column<double>(bytes, compiled.layout.agent_stats),
      },
      converters{
          .cell = Column<CellIndex>(bytes, compiled.layout.converter_cell),
          .phase = Column<ConverterPhase>(bytes, compiled.layout.converter_phase),
          .until = Column<std::uint32_t>(bytes, compiled.layout.converter_until),
          .conversions_left = Column<std::int32_t>(bytes, compiled.layout.converter_conversions_left),
          .inventory = Column<Amount>(bytes, compiled.layout.converter_inventory),
          .awake = Column<std::uint64_t>(bytes, compiled.layout.converter_awake),
          .changed = Column<std::uint64_t>(bytes, compiled.layout.converter_changed),
      },
      bytes_(bytes),
      num_resources_(compiled.num_resources()),
      num_stats_(compiled.stats.size()) {}

void StartEpisode(const World& world, std::uint32_t episode, std::span<std::uint32_t> scratch) {
  const GameProgram& program = *world.program;
  const MapPlan& map = program.map;
  const WorldHeader old = world.header();
  std::memset(world.bytes().data(), 0, world.bytes().size());
  WorldHeader& header = world.header();
  header.format = kWorldFormat;
  header.fingerprint = program.layout.fingerprint;
  header.seed = old.seed;
  header.env = old.env;
  header.ticks = old.ticks;
  header.episode = episode;
  header.step_limit = program.max_steps;
  header.first = 1;

  std::memcpy(world.cells, map.base.data(), map.base.size() * sizeof(CellCode));
  std::memcpy(world.occupied, map.base_occupied.data(), map.base_occupied.size());
  Placer placer(world);
  for (const FixedThing& fixed : map.fixed) placer.Place(fixed.cell, fixed.thing);
  RandomStream random(header.seed, header.env, episode, 0, Purpose::kMap);
  for (const Region& region : map.regions) Scatter(region, map, random, scratch, placer);

  FillConverters(world);
  for (std::size_t i = 0; i < program.num_agents; ++i) {
    for (const ItemAmount& item : program.initial_inventory) {
      world.Inventory(AgentId(i))[item.item.index()] = item.amount;
    }
    world.agents.changed[i] = kLooksChanged;
  }
}

bool IsSound(const World& world) {
  const GameProgram& program = *world.program;
  const std::size_t num_codes = program.first_converter_code + program.num_converters();
  if (!GridIsSound(world, num_codes) || !ConvertersAreSound(world)) return false;
  for (std::size_t i = 0; i < program.num_agents; ++i) {
    if (!AgentIsSound(world, AgentId(i))) return false;
  }
  const std::size_t run_bytes = program.layout.run_bytes;
  for (std::size_t code = 0; code < num_codes; ++code) {
    if (world.runs[(code + 1) * run_bytes - 1] > run_bytes / kChunkBytes * kTokensPerChunk) return false;
  }
  return true;
}

}  // namespace mettagrid
