#pragma once

#include <cstdint>
#include <vector>

#include "mettagrid/config/systems_config.h"
#include "mettagrid/objects/action_table.h"
#include "mettagrid/objects/names.h"

namespace mettagrid {

// A share or an amount of one resource in 2^-32 units: 2^32 is the whole.
struct ItemRate {
  ItemId item;
  std::uint64_t rate;
};

struct ResourceLossRules {
  std::vector<ItemRate> shares;  // empty: off
};

struct RegenerationRules {
  std::vector<ItemAmount> amounts;
  std::uint32_t interval = 0;  // 0: off
};

enum class OnShortage : std::uint8_t { kNone, kFreeze, kDie };

struct UpkeepRules {
  std::vector<ItemRate> prices;  // empty: off
  OnShortage on_shortage = OnShortage::kNone;
  std::uint16_t unpaid = 0;  // stat slot
};

struct ClipperRules {
  bool enabled = false;
  std::vector<bool> clips;           // [object types]
  std::uint64_t rate = 0;            // 2^-32 per object and step; 0: by period
  std::uint32_t period = 0;          // one object a period on average
  std::uint32_t length_scale = 0;    // cells; 0: by the map
  std::uint32_t cutoff = 0;          // length scales
  std::vector<ItemAmount> payments;  // any one of them frees a clipped object
  std::uint16_t unclipped = 0;       // stat slot
};

enum class OnDeath : std::uint8_t { kLose, kKeep, kDrop };

struct HealthRules {
  bool enabled = false;
  ItemId hp;
  Amount damage = 0;  // of a hit
  bool freezes = false;
  OnDeath on_death = OnDeath::kLose;
  std::size_t pile = 0;             // object type of what is dropped
  std::uint32_t respawn_ticks = 0;  // 0: never
  bool respawns_at_start = true;    // else on any free cell
  bool restocks = false;
  std::uint16_t deaths = 0;  // stat slots
  std::uint16_t kills = 0;
};

struct PopulationRules {
  bool enabled = false;
  std::uint32_t initial_agents = 0;        // those of lower index are there from the start
  std::vector<std::uint32_t> enter_steps;  // of the agents that follow, in order; the rest enter by the rate
  std::uint64_t enter_rate = 0;            // 2^-32
  std::vector<std::uint32_t> leave_steps;  // ascending
  std::uint32_t stay = 0;                  // steps; 0: no bound
  std::vector<ItemAmount> goal;            // empty: none
};

// World systems of a game, compiled; what is off costs nothing.
struct SystemRules {
  ResourceLossRules resource_loss;
  RegenerationRules regeneration;
  UpkeepRules upkeep;
  ClipperRules clipper;
  HealthRules health;
  PopulationRules population;

  bool MovesAgents() const { return health.enabled || population.enabled; }
};

struct GameProgram;

// Fills game.systems, before the agents' rules are compiled. Throws ConfigError naming the key. Statistics are named in
// the order of the systems.
void CompileSystems(const SystemsConfig& config, const Names& names, GameProgram& game);
// What the systems ask of the agents' rules, and change in them.
void FitAgentsToSystems(GameProgram& game);

}  // namespace mettagrid
