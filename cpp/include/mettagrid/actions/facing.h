#pragma once

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Turns the agent to an orientation.
inline void Face(const World& world, AgentId agent, std::uint8_t direction) {
  const auto orientation = static_cast<Orientation>(direction);
  if (world.agents.orientation[agent.index()] == orientation) return;
  world.agents.orientation[agent.index()] = orientation;
  world.agents.changed[agent.index()] |= kLooksChanged;
}

inline CellIndex CellTowards(const World& world, AgentId agent, std::size_t direction) {
  return static_cast<CellIndex>(static_cast<std::int32_t>(world.agents.cell[agent.index()]) +
                                world.program->ahead[direction]);
}

// The neighbour that the agent faces, straight or diagonally.
inline CellIndex CellAhead(const World& world, AgentId agent) {
  return CellTowards(world, agent, static_cast<std::size_t>(world.agents.orientation[agent.index()]));
}

inline CellCode CodeAhead(const World& world, AgentId agent) { return world.cells[CellAhead(world, agent)]; }

}  // namespace mettagrid
