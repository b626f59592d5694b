#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "mettagrid/observe/planes.h"

namespace mettagrid {

// Writes the whole map as one box, for critics that see everything: planes for the agents' numbers, then one a feature.
//
// A cell's number is 1 + agent index (0: no agent), in base 256 when a game has more than 255 agents: low byte first,
// a plane a byte. Features of one agent (last action, last reward, visits of its own cell) stand on the agent's cell.
class GlobalState {
 public:
  explicit GlobalState(const GameProgram& program);

  static std::size_t NumIdPlanes(const GameProgram& program) { return program.num_agents > 255 ? 2 : 1; }
  std::size_t num_channels() const { return NumIdPlanes(*program_) + program_->obs.features.size(); }
  std::size_t num_bytes() const { return num_channels() * num_cells_; }
  // Of one environment in a batch's buffer; 0 in a game that does not write its state in each step.
  std::size_t buffer_bytes() const { return program_->obs.global_state ? num_bytes() : 0; }

  // `out`: num_bytes(). RefreshRuns comes first.
  void Write(const World& world, std::span<std::uint8_t> out) const;

 private:
  void WriteAgents(const World& world, std::uint8_t* out) const;

  const GameProgram* program_;
  std::size_t num_cells_;
  std::array<std::uint32_t, 256> planes_;
};

}  // namespace mettagrid
