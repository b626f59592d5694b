#include "mettagrid/objects/world_layout.h"

#include <array>

#include "mettagrid/core/hash.h"
#include "mettagrid/objects/game_program.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {
namespace {

constexpr std::size_t kAlignment = 16;

class Planner {
 public:
  template <class T>
  std::size_t Add(std::size_t count) {
    const std::size_t offset = size_;
    size_ = (size_ + count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return offset;
  }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

}  // namespace

WorldLayout LayOutWorld(const GameProgram& program, std::size_t max_tokens) {
  const std::size_t agents = program.num_agents;
  const std::size_t objects = program.num_objects();
  const std::size_t resources = program.num_resources();
  const std::size_t cells = program.map.num_cells();
  WorldLayout layout;
  Planner plan;
  plan.Add<WorldHeader>(1);
  layout.cells = plan.Add<CellCode>(cells);
  layout.floor = plan.Add<CellCode>(program.has_floor ? cells : 0);
  layout.occupied = plan.Add<std::uint8_t>(OccupancyBytes(cells));
  layout.agent_cell = plan.Add<CellIndex>(agents);
  layout.agent_orientation = plan.Add<Orientation>(agents);
  layout.agent_ahead = plan.Add<CellCode>(agents);
  layout.agent_ahead_frozen = plan.Add<std::uint8_t>(agents);
  layout.agent_color = plan.Add<std::uint8_t>(agents);
  layout.agent_glyph = plan.Add<std::uint8_t>(agents);
  layout.agent_shield = plan.Add<std::uint8_t>(agents);
  layout.agent_frozen = plan.Add<std::uint16_t>(agents);
  layout.agent_group = plan.Add<std::uint8_t>(agents);
  layout.agent_presence = plan.Add<Presence>(agents);
  layout.agent_home = plan.Add<CellIndex>(agents);
  layout.agent_since = plan.Add<std::uint32_t>(agents);
  layout.agent_entered = plan.Add<std::uint32_t>(agents);
  layout.agent_last_action = plan.Add<std::uint8_t>(agents);
  layout.agent_success = plan.Add<std::uint8_t>(agents);
  layout.agent_changed = plan.Add<std::uint8_t>(agents);
  layout.agent_settled = plan.Add<std::uint8_t>(agents);
  layout.agent_reward = plan.Add<float>(agents);
  layout.agent_return = plan.Add<double>(agents);
  layout.agent_potential = plan.Add<double>(agents);
  layout.agent_paid_times = plan.Add<double>(agents);
  layout.agent_paid_steps = plan.Add<std::uint32_t>(agents);
  layout.agent_away_steps = plan.Add<std::uint32_t>(agents);
  layout.agent_inventory = plan.Add<Amount>(agents * resources);
  layout.agent_inventory_before = plan.Add<Amount>(agents * resources);
  layout.agent_stats = plan.Add<double>(agents * program.stats.size());
  layout.object_cell = plan.Add<CellIndex>(objects);
  layout.object_phase = plan.Add<ObjectPhase>(objects);
  layout.object_mode = plan.Add<std::uint8_t>(objects);
  layout.object_until = plan.Add<std::uint32_t>(objects);
  layout.object_left = plan.Add<std::int32_t>(objects);
  layout.object_clip = plan.Add<Clip>(objects);
  layout.object_inventory = plan.Add<Amount>(objects * resources);
  layout.object_memory = plan.Add<std::uint16_t>(objects * program.memory_words);
  layout.object_awake = plan.Add<std::uint64_t>((objects + 63) / 64);
  layout.object_changed = plan.Add<std::uint64_t>((objects + 63) / 64);
  layout.run_bytes = kChunkBytes * ((max_tokens + kTokensPerChunk - 1) / kTokensPerChunk);
  layout.runs = plan.Add<std::uint8_t>((program.first_object_code + objects) * layout.run_bytes);
  layout.hot_bytes = plan.size();
  layout.agent_visits = plan.Add<std::uint8_t>(program.obs.visitation_counts ? agents * cells : 0);
  layout.num_bytes = plan.size();
  const std::array<std::uint64_t, 9> shape = {agents,
                                              objects,
                                              resources,
                                              program.map.width,
                                              program.map.height,
                                              program.stats.size(),
                                              layout.run_bytes,
                                              program.num_actions(),
                                              layout.num_bytes};
  layout.fingerprint = HashBytes(std::as_bytes(std::span(shape)), kWorldFormat);
  return layout;
}

}  // namespace mettagrid
