#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// By padded cell: steps of the episode that ended with the agent there, its start included; they saturate at 255.
// Only in games that count visits.
inline std::uint8_t* VisitsOf(const World& world, AgentId agent) {
  return world.agents.visits + agent.index() * world.program->map.num_cells();
}

inline void CountVisit(const World& world, AgentId agent) {
  std::uint8_t& count = VisitsOf(world, agent)[world.agents.cell[agent.index()]];
  if (count < 255) ++count;
}

}  // namespace mettagrid
