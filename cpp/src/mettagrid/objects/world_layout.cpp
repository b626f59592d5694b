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
  const std::size_t converters = program.num_converters();
  const std::size_t resources = program.num_resources();
  const std::size_t cells = program.map.num_cells();
  WorldLayout layout;
  Planner plan;
  plan.Add<WorldHeader>(1);
  layout.cells = plan.Add<CellCode>(cells);
  layout.occupied = plan.Add<std::uint8_t>(OccupancyBytes(cells));
  layout.agent_cell = plan.Add<CellIndex>(agents);
  layout.agent_orientation = plan.Add<Orientation>(agents);
  layout.agent_frozen = plan.Add<std::uint16_t>(agents);
  layout.agent_group = plan.Add<std::uint8_t>(agents);
  layout.agent_last_action = plan.Add<std::uint8_t>(agents);
  layout.agent_success = plan.Add<std::uint8_t>(agents);
  layout.agent_changed = plan.Add<std::uint8_t>(agents);
  layout.agent_reward = plan.Add<float>(agents);
  layout.agent_return = plan.Add<double>(agents);
  layout.agent_potential = plan.Add<double>(agents);
  layout.agent_inventory = plan.Add<Amount>(agents * resources);
  layout.agent_inventory_before = plan.Add<Amount>(agents * resources);
  layout.agent_stats = plan.Add<double>(agents * program.stats.size());
  layout.converter_cell = plan.Add<CellIndex>(converters);
  layout.converter_phase = plan.Add<ConverterPhase>(converters);
  layout.converter_until = plan.Add<std::uint32_t>(converters);
  layout.converter_conversions_left = plan.Add<std::int32_t>(converters);
  layout.converter_inventory = plan.Add<Amount>(converters * resources);
  layout.converter_awake = plan.Add<std::uint64_t>((converters + 63) / 64);
  layout.converter_changed = plan.Add<std::uint64_t>((converters + 63) / 64);
  layout.run_bytes = kChunkBytes * ((max_tokens + kTokensPerChunk - 1) / kTokensPerChunk);
  layout.runs = plan.Add<std::uint8_t>((program.first_converter_code + converters) * layout.run_bytes);
  layout.num_bytes = plan.size();
  const std::array<std::uint64_t, 9> shape = {agents,
                                              converters,
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
