#include "mettagrid/objects/world.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>

#include "mettagrid/objects/features.h"
#include "mettagrid/objects/object_kinds.h"
#include "mettagrid/objects/placement.h"
#include "mettagrid/objects/shared_limits.h"

namespace mettagrid {
namespace {

template <class T>
T* Column(std::byte* bytes, std::size_t offset) {
  return reinterpret_cast<T*>(bytes + offset);
}

void LayOnFloor(const World& world, const ObjectType& type) {
  for (std::size_t i = type.first; i < std::size_t{type.first} + type.count; ++i) {
    if (world.objects.cell[i] != kNowhere) world.floor[world.objects.cell[i]] = world.program->CodeOf(ObjectId(i));
  }
}

void StartObjects(const World& world) {
  for (const ObjectType& type : world.program->object_types) {
    const ObjectKind& kind = KindOf(type);
    if (type.on_floor) LayOnFloor(world, type);
    for (std::size_t i = type.first; i < std::size_t{type.first} + type.count; ++i) {
      if (world.objects.cell[i] == kNowhere) continue;
      kind.start(world, ObjectId(i));
      world.Touch(ObjectId(i));
    }
  }
}

// The floor holds nothing but the objects that say they lie there.
bool FloorIsSound(const World& world) {
  const GameProgram& program = *world.program;
  if (!program.has_floor) return true;
  for (CellIndex cell = 0; cell < program.map.num_cells(); ++cell) {
    const CellCode code = world.floor[cell];
    if (code == kEmpty) continue;
    if (!program.IsObject(code) || program.ObjectOf(code).index() >= program.num_objects()) return false;
    if (world.objects.cell[program.ObjectOf(code).index()] != cell) return false;
  }
  return true;
}

// What a stretch of cells holds, found without a branch in loops that compilers turn into vector code: this is most of
// what restoring a snapshot costs.
struct Stretch {
  static constexpr std::size_t kCells = 2048;  // few enough to count agents in 16 bits

  std::uint16_t faults = 0;
  std::uint16_t agents = 0;
  std::uint16_t objects = 0;
  alignas(8) std::array<std::uint8_t, kCells + 8> things{};  // 1 where something stands

  Stretch(const GameProgram& program, const CellCode* cells, const CellCode* base, std::size_t count, CellCode end) {
    const CellCode first = program.first_agent_code;
    const auto num_agents = static_cast<CellCode>(program.num_agents);
    const CellCode first_object = program.first_object_code;
    for (std::size_t i = 0; i < count; ++i) {
      const CellCode code = cells[i];
      const auto outside = static_cast<std::uint16_t>(code == kOutside);
      const auto unknown = static_cast<std::uint16_t>(code >= end);  // kOutside is the largest code
      faults |= static_cast<std::uint16_t>(static_cast<std::uint16_t>(base[i] == kOutside) ^ outside);
      faults |= static_cast<std::uint16_t>(unknown ^ outside);
      agents = static_cast<std::uint16_t>(agents + (static_cast<CellCode>(code - first) < num_agents));
      objects = static_cast<std::uint16_t>(objects + ((code >= first_object) & (code != kOutside)));
    }
    for (std::size_t i = 0; i < count; ++i) {
      things[i] = static_cast<std::uint8_t>((cells[i] != kEmpty) & (cells[i] != kOutside));
    }
  }

  // Eight cells from `i` on, a bit each.
  std::uint8_t Bits(std::size_t i) const {
    std::uint64_t bytes;
    std::memcpy(&bytes, things.data() + i, sizeof(bytes));
    if constexpr (std::endian::native == std::endian::big) {
      std::uint8_t bits = 0;
      for (std::size_t bit = 0; bit < 8; ++bit) bits |= static_cast<std::uint8_t>(things[i + bit] << bit);
      return bits;
    }
    return static_cast<std::uint8_t>(bytes * 0x0102040810204080 >> 56);  // byte k moves to bit 56 + k
  }
};

// Every cell holds what exists, the padding is whole, and the occupancy set agrees.
bool GridIsSound(const World& world, std::size_t num_codes) {
  static_assert(kOutside == std::numeric_limits<CellCode>::max());
  const GameProgram& program = *world.program;
  const std::size_t num_cells = program.map.num_cells();
  std::size_t agents_seen = 0;
  std::size_t objects_seen = 0;
  for (std::size_t begin = 0; begin < num_cells; begin += Stretch::kCells) {
    const std::size_t count = std::min(num_cells - begin, Stretch::kCells);
    const Stretch stretch(program, world.cells + begin, program.map.base.data() + begin, count,
                          static_cast<CellCode>(num_codes));
    std::uint32_t differing = stretch.faults;
    for (std::size_t i = 0; i < count; i += 8) {
      const std::uint32_t inside = count - i < 8 ? (1U << (count - i)) - 1 : 255U;
      differing |= (stretch.Bits(i) ^ world.occupied[(begin + i) >> 3]) & inside;
    }
    if (differing != 0) return false;
    agents_seen += stretch.agents;
    objects_seen += stretch.objects;
  }
  std::size_t agents_here = 0;
  for (std::size_t i = 0; i < program.num_agents; ++i) agents_here += world.IsHere(AgentId(i)) ? 1 : 0;
  std::size_t objects_here = 0;  // those in sight: no cell shows an object that lies elsewhere, or nowhere
  for (std::size_t i = 0; i < program.num_objects(); ++i) {
    const CellIndex cell = world.objects.cell[i];
    objects_here += cell < num_cells && world.cells[cell] == program.CodeOf(ObjectId(i)) ? 1 : 0;
  }
  return agents_seen == agents_here && objects_seen == objects_here;
}

bool AgentIsSound(const World& world, AgentId agent) {
  const GameProgram& program = *world.program;
  const std::size_t i = agent.index();
  const CellIndex cell = world.agents.cell[i];
  if (world.agents.presence[i] > Presence::kGone || world.agents.group[i] >= program.group_ids.size()) return false;
  const CellIndex home = world.agents.home[i];
  if (program.systems.MovesAgents() && (home >= program.map.num_cells() || program.map.base[home] == kOutside)) {
    return false;
  }
  const bool stands = cell < program.map.num_cells() && world.cells[cell] == program.CodeOf(agent);
  const auto held = world.Inventory(agent);
  return (stands || !world.IsHere(agent)) && static_cast<std::size_t>(world.agents.orientation[i]) < kNumOrientations &&
         world.agents.last_action[i] < program.num_actions() &&
         std::equal(held.begin(), held.end(), world.RulesOf(agent).resource_limits.begin(), std::less_equal<>());
}

bool ObjectsAreSound(const World& world) {
  const GameProgram& program = *world.program;
  for (std::size_t i = 0; i < program.num_objects(); ++i) {
    const CellIndex cell = world.objects.cell[i];
    if (cell == kNowhere) continue;
    const CellCode code = program.CodeOf(ObjectId(i));
    const auto is_sound = KindOf(world, ObjectId(i)).is_sound;
    if (cell >= program.map.num_cells() || (is_sound != nullptr && !is_sound(world, ObjectId(i)))) return false;
    // What lies on the floor may be covered, but not left.
    if (program.TypeOf(ObjectId(i)).on_floor) {
      if (world.floor[cell] != code || world.cells[cell] == kEmpty) return false;
    } else if (world.cells[cell] != code) {
      return false;
    }
    if (world.objects.phase[i] > ObjectPhase::kCooling || world.objects.clip[i] > Clip::kPaidFor) return false;
  }
  const std::size_t last_word = program.num_objects() / 64;
  const std::size_t tail = program.num_objects() % 64;
  return tail == 0 || ((world.objects.awake[last_word] | world.objects.changed[last_word]) >> tail) == 0;
}

// Token runs hold no more than fits and only features that exist: planes are looked up by them.
bool RunsAreSound(const World& world, std::size_t num_codes) {
  const std::size_t run_bytes = world.program->layout.run_bytes;
  const std::size_t num_features = feature::kFirstInventory + world.program->num_resources();
  for (std::size_t code = 0; code < num_codes; ++code) {
    const std::uint8_t* const run = world.runs + code * run_bytes;
    const std::size_t count = run[run_bytes - 1];
    if (count > run_bytes / kChunkBytes * kTokensPerChunk) return false;
    for (std::size_t token = 0; token < count; ++token) {
      if (run[token * kTokenBytes + 1] >= num_features) return false;
    }
  }
  return true;
}

}  // namespace

World::World(const GameProgram& compiled, std::byte* bytes)
    : program(&compiled),
      cells(Column<CellCode>(bytes, compiled.layout.cells)),
      floor(Column<CellCode>(bytes, compiled.layout.floor)),
      occupied(Column<std::uint8_t>(bytes, compiled.layout.occupied)),
      runs(Column<std::uint8_t>(bytes, compiled.layout.runs)),
      agents{
          .cell = Column<CellIndex>(bytes, compiled.layout.agent_cell),
          .orientation = Column<Orientation>(bytes, compiled.layout.agent_orientation),
          .ahead = Column<CellCode>(bytes, compiled.layout.agent_ahead),
          .ahead_frozen = Column<std::uint8_t>(bytes, compiled.layout.agent_ahead_frozen),
          .color = Column<std::uint8_t>(bytes, compiled.layout.agent_color),
          .glyph = Column<std::uint8_t>(bytes, compiled.layout.agent_glyph),
          .shield = Column<std::uint8_t>(bytes, compiled.layout.agent_shield),
          .frozen = Column<std::uint16_t>(bytes, compiled.layout.agent_frozen),
          .group = Column<std::uint8_t>(bytes, compiled.layout.agent_group),
          .presence = Column<Presence>(bytes, compiled.layout.agent_presence),
          .home = Column<CellIndex>(bytes, compiled.layout.agent_home),
          .since = Column<std::uint32_t>(bytes, compiled.layout.agent_since),
          .entered = Column<std::uint32_t>(bytes, compiled.layout.agent_entered),
          .last_action = Column<std::uint8_t>(bytes, compiled.layout.agent_last_action),
          .success = Column<std::uint8_t>(bytes, compiled.layout.agent_success),
          .changed = Column<std::uint8_t>(bytes, compiled.layout.agent_changed),
          .settled = Column<std::uint8_t>(bytes, compiled.layout.agent_settled),
          .reward = Column<float>(bytes, compiled.layout.agent_reward),
          .episode_return = Column<double>(bytes, compiled.layout.agent_return),
          .potential = Column<double>(bytes, compiled.layout.agent_potential),
          .paid_times = Column<double>(bytes, compiled.layout.agent_paid_times),
          .paid_steps = Column<std::uint32_t>(bytes, compiled.layout.agent_paid_steps),
          .away_steps = Column<std::uint32_t>(bytes, compiled.layout.agent_away_steps),
          .inventory = Column<Amount>(bytes, compiled.layout.agent_inventory),
          .inventory_before = Column<Amount>(bytes, compiled.layout.agent_inventory_before),
          .stats = Column<double>(bytes, compiled.layout.agent_stats),
          .visits = Column<std::uint8_t>(bytes, compiled.layout.agent_visits),
      },
      objects{
          .cell = Column<CellIndex>(bytes, compiled.layout.object_cell),
          .phase = Column<ObjectPhase>(bytes, compiled.layout.object_phase),
          .mode = Column<std::uint8_t>(bytes, compiled.layout.object_mode),
          .until = Column<std::uint32_t>(bytes, compiled.layout.object_until),
          .left = Column<std::int32_t>(bytes, compiled.layout.object_left),
          .clip = Column<Clip>(bytes, compiled.layout.object_clip),
          .inventory = Column<Amount>(bytes, compiled.layout.object_inventory),
          .memory = Column<std::uint16_t>(bytes, compiled.layout.object_memory),
          .awake = Column<std::uint64_t>(bytes, compiled.layout.object_awake),
          .changed = Column<std::uint64_t>(bytes, compiled.layout.object_changed),
      },
      bytes_(bytes),
      num_resources_(compiled.num_resources()),
      num_stats_(compiled.stats.size()) {}

void StartEpisode(const World& world, std::uint32_t episode, std::span<std::uint32_t> scratch) {
  const GameProgram& program = *world.program;
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

  DrawMap(world, scratch);
  std::copy(program.dealt_groups.begin(), program.dealt_groups.end(), world.agents.group);
  StartObjects(world);
  for (std::size_t i = 0; i < program.num_agents; ++i) GiveInitialInventory(world, AgentId(i));
}

void GiveInitialInventory(const World& world, AgentId agent) {
  for (const ItemAmount& item : world.RulesOf(agent).initial_inventory) {
    Amount& held = world.Inventory(agent)[item.item.index()];
    held = static_cast<Amount>(held + std::min(item.amount, world.RoomNow(agent, item.item)));
  }
  world.agents.changed[agent.index()] |= kLooksChanged;
}

bool IsSound(const World& world) {
  const GameProgram& program = *world.program;
  const std::size_t num_codes = program.first_object_code + program.num_objects();
  if (!GridIsSound(world, num_codes) || !ObjectsAreSound(world) || !FloorIsSound(world)) return false;
  for (std::size_t i = 0; i < program.num_agents; ++i) {
    if (!AgentIsSound(world, AgentId(i))) return false;
  }
  if (!SharedLimitsHold(world)) return false;
  return RunsAreSound(world, num_codes);
}

}  // namespace mettagrid
