#include "mettagrid/systems/registry.h"

#include <array>

#include "mettagrid/systems/freeze.h"

namespace mettagrid {
namespace {

constexpr std::array kWorldSystems = {
    WorldSystem{.name = "freeze", .enabled = [](const GameProgram&) { return true; }, .run = ThawAgents},
};

}  // namespace

std::vector<RunSystem> EnabledSystems(const GameProgram& program) {
  std::vector<RunSystem> enabled;
  for (const WorldSystem& system : kWorldSystems) {
    if (system.enabled(program)) enabled.push_back(system.run);
  }
  return enabled;
}

}  // namespace mettagrid
