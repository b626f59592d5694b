#include "mettagrid/systems/freeze.h"

namespace mettagrid {

void ThawAgents(const World& world) {
  for (std::size_t i = 0; i < world.program->num_agents; ++i) {
    if (world.agents.frozen[i] == 0) continue;
    --world.agents.frozen[i];
    world.agents.changed[i] |= kLooksChanged;
  }
}

}  // namespace mettagrid
