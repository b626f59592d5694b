#include "mettagrid/systems/ending.h"

#include <algorithm>

namespace mettagrid {
namespace {

bool IsMet(const World& world, const Goal& goal) {
  double total = 0.0;
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    total += goal.from_inventory ? world.Inventory(AgentId(i))[goal.index] : world.Stats(AgentId(i))[goal.index];
  }
  return total >= goal.threshold;
}

bool IsOver(const World& world) {
  const std::vector<Goal>& goals = world.program->goals;
  if (std::any_of(goals.begin(), goals.end(), [&world](const Goal& goal) { return IsMet(world, goal); })) return true;
  const Presence* const presence = world.agents.presence;
  return std::all_of(presence, presence + world.program->num_agents,
                     [](Presence agent) { return agent == Presence::kGone; });
}

}  // namespace

void EndEpisode(const World& world) {
  WorldHeader& header = world.header();
  if (IsOver(world)) {
    header.terminated = 1;
  } else if (header.step_limit > 0 && header.step >= header.step_limit) {
    header.truncated = 1;
  }
}

}  // namespace mettagrid
