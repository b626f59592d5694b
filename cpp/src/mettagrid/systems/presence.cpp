#include "mettagrid/systems/presence.h"

#include <algorithm>
#include <span>

#include "mettagrid/systems/fractions.h"

namespace mettagrid {
namespace {

CellIndex DrawFreeCell(const World& world, AgentId agent) {
  const std::span<const CellCode> cells(world.cells, world.program->map.num_cells());
  const auto free_cells = static_cast<std::uint32_t>(std::ranges::count(cells, kEmpty));
  if (free_cells == 0) return kNowhere;
  RandomStream random = StreamOf(world, Purpose::kPlacement, agent);
  auto cell = std::ranges::find(cells, kEmpty);
  for (std::uint32_t left = random.Below(free_cells); left > 0; --left) cell = std::find(cell + 1, cells.end(), kEmpty);
  return static_cast<CellIndex>(cell - cells.begin());
}

}  // namespace

void RememberHomes(const World& world) { std::copy_n(world.agents.cell, world.program->num_agents, world.agents.home); }

void Withdraw(const World& world, AgentId agent, Presence presence) {
  const std::size_t i = agent.index();
  if (world.IsHere(agent)) world.Vacate(world.agents.cell[i]);
  world.agents.cell[i] = kNowhere;
  world.agents.frozen[i] = 0;
  world.agents.shield[i] = 0;
  world.agents.presence[i] = presence;
  world.agents.since[i] = world.header().step;
}

bool PutBack(const World& world, AgentId agent, bool at_home) {
  const std::size_t i = agent.index();
  const CellIndex home = world.agents.home[i];
  const CellIndex cell = at_home && world.cells[home] == kEmpty ? home : DrawFreeCell(world, agent);
  if (cell == kNowhere) return false;
  world.Occupy(cell, world.program->CodeOf(agent));
  world.agents.cell[i] = cell;
  world.agents.presence[i] = Presence::kHere;
  world.agents.since[i] = world.header().step;
  world.agents.changed[i] |= kLooksChanged;
  return true;
}

}  // namespace mettagrid
