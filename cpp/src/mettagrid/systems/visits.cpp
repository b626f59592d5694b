#include "mettagrid/systems/visits.h"

namespace mettagrid {

void CountVisits(const World& world) {
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    if (world.IsHere(AgentId(i))) world.CountVisit(AgentId(i));
  }
}

}  // namespace mettagrid
