#include "mettagrid/systems/registry.h"

#include <array>

#include "mettagrid/systems/clipper.h"
#include "mettagrid/systems/freeze.h"
#include "mettagrid/systems/health.h"
#include "mettagrid/systems/population.h"
#include "mettagrid/systems/presence.h"
#include "mettagrid/systems/regeneration.h"
#include "mettagrid/systems/resource_loss.h"
#include "mettagrid/systems/shield.h"
#include "mettagrid/systems/upkeep.h"
#include "mettagrid/systems/visits.h"

namespace mettagrid {
namespace {

constexpr std::array kWorldSystems = {
    WorldSystem{.name = "freeze", .enabled = [](const GameProgram&) { return true; }, .run = ThawAgents},
    WorldSystem{.name = "resource_loss",
                .enabled = [](const GameProgram& game) { return !game.systems.resource_loss.shares.empty(); },
                .run = LoseResources},
    WorldSystem{.name = "regeneration",
                .enabled = [](const GameProgram& game) { return game.systems.regeneration.interval > 0; },
                .run = RegenerateResources},
    WorldSystem{.name = "upkeep",
                .enabled = [](const GameProgram& game) { return !game.systems.upkeep.prices.empty(); },
                .run = PayUpkeep},
    WorldSystem{
        .name = "shield", .enabled = [](const GameProgram& game) { return game.has_shields; }, .run = PayShields},
    WorldSystem{.name = "clipper",
                .enabled = [](const GameProgram& game) { return game.systems.clipper.enabled; },
                .run = RunClipper},
    WorldSystem{.name = "health",
                .enabled = [](const GameProgram& game) { return game.systems.health.enabled; },
                .run = RunHealth,
                .start = RememberHomes},
    WorldSystem{.name = "population",
                .enabled = [](const GameProgram& game) { return game.systems.population.enabled; },
                .run = RunPopulation,
                .start = StartPopulation},
    WorldSystem{.name = "visits",
                .enabled = [](const GameProgram& program) { return program.obs.visitation_counts; },
                .run = CountVisits,
                .start = CountVisits},
};

}  // namespace

std::vector<RunSystem> EnabledSystems(const GameProgram& program) {
  std::vector<RunSystem> enabled;
  for (const WorldSystem& system : kWorldSystems) {
    if (system.enabled(program)) enabled.push_back(system.run);
  }
  return enabled;
}

std::vector<RunSystem> SystemStarts(const GameProgram& program) {
  std::vector<RunSystem> starts;
  for (const WorldSystem& system : kWorldSystems) {
    if (system.start != nullptr && system.enabled(program)) starts.push_back(system.start);
  }
  return starts;
}

}  // namespace mettagrid
