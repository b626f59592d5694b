#include "mettagrid/observe/global_state.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "mettagrid/objects/visits.h"
#include "mettagrid/observe/observer.h"

namespace mettagrid {
namespace {

constexpr std::uint32_t kColumnsAtOnce = 25;  // of a 32-bit word that starts at any bit of a byte

}  // namespace

GlobalState::GlobalState(const GameProgram& program)
    : program_(&program),
      num_cells_(std::size_t{program.map.width} * program.map.height),
      planes_(PlaneOffsets(program, num_cells_, NumIdPlanes(program))) {}

void GlobalState::Write(const World& world, std::span<std::uint8_t> out) const {
  const MapPlan& map = program_->map;
  const std::size_t run_bytes = program_->layout.run_bytes;
  std::memset(out.data(), 0, out.size());
  for (std::uint32_t row = 0; row < map.height; ++row) {
    const CellIndex line = map.CellAt(row, 0);
    std::uint8_t* const places = out.data() + std::size_t{row} * map.width;
    for (std::uint32_t first = 0; first < map.width; first += kColumnsAtOnce) {
      std::uint32_t bits;
      std::memcpy(&bits, world.occupied + ((line + first) >> 3), sizeof(bits));
      const std::uint32_t columns = std::min(kColumnsAtOnce, map.width - first);
      bits = bits >> ((line + first) & 7) & ((1U << columns) - 1);
      for (; bits != 0; bits &= bits - 1) {
        const std::uint32_t column = first + static_cast<std::uint32_t>(std::countr_zero(bits));
        const CellCode code = world.cells[line + column];
        SpreadRun(world.runs + code * run_bytes, run_bytes, planes_, places + column);
      }
    }
  }
  if (program_->obs.episode_completion_pct) {
    std::memset(out.data() + planes_[feature::kEpisodeCompletion], CompletionValue(world), num_cells_);
  }
  WriteAgents(world, out.data());
}

void GlobalState::WriteAgents(const World& world, std::uint8_t* out) const {
  const ObservationSpec& obs = program_->obs;
  const MapPlan& map = program_->map;
  for (std::size_t i = 0; i < program_->num_agents; ++i) {
    if (!world.IsHere(AgentId(i))) continue;
    const CellIndex cell = world.agents.cell[i];
    std::uint8_t* const place = out + std::size_t{map.RowOf(cell)} * map.width + map.ColumnOf(cell);
    for (std::size_t plane = 0; plane < NumIdPlanes(*program_); ++plane) {
      place[plane * num_cells_] = static_cast<std::uint8_t>((i + 1) >> (8 * plane));
    }
    if (obs.last_action) place[planes_[feature::kLastAction]] = world.agents.last_action[i];
    if (obs.last_reward) place[planes_[feature::kLastReward]] = RewardValue(world.agents.reward[i]);
    if (obs.visitation_counts) place[planes_[feature::kVisitationCounts]] = VisitsOf(world, AgentId(i))[cell];
  }
}

}  // namespace mettagrid
