#include "mettagrid/systems/visits.h"

#include "mettagrid/objects/visits.h"

namespace mettagrid {

void CountVisits(const World& world) {
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    if (world.IsHere(AgentId(i))) CountVisit(world, AgentId(i));
  }
}

}  // namespace mettagrid
