#pragma once

#include <cstddef>
#include <cstdint>

#include "mettagrid/core/types.h"

namespace mettagrid {

// A clipped object refuses every use. What was paid for in this step is free from the next one on: were it free at
// once, a use could succeed that the mask had ruled out.
enum class Clip : std::uint8_t { kFree = 0, kClipped = 1, kPaidFor = 2 };

enum class ObjectPhase : std::uint8_t { kIdle = 0, kConverting = 1, kCooling = 2 };

// Only an agent that is here stands on the grid, is seen, and acts. One that waits to enter, or left for good, has
// nothing more to learn in its row: the row is terminated.
enum class Presence : std::uint8_t { kHere = 0, kWaiting = 1, kDown = 2, kGone = 3 };

// Bits of AgentColumns::changed.
inline constexpr std::uint8_t kLooksChanged = 1;     // the token run is stale
inline constexpr std::uint8_t kHoldingsChanged = 2;  // the reward may have changed
inline constexpr std::uint8_t kPenalised = 4;        // an action failed in this step
inline constexpr std::uint8_t kEntered = 8;          // entered the running episode at the end of this step

struct WorldHeader {
  std::uint32_t format;
  std::uint32_t env;
  std::uint64_t fingerprint;
  std::uint64_t seed;
  std::uint64_t ticks;  // batch steps since reset(seed), the ones that only reset included
  std::uint32_t episode;
  std::uint32_t step;
  std::uint32_t step_limit;  // 0: endless; below max_steps in an episode that is cut to desynchronise the batch
  std::uint8_t first;
  std::uint8_t terminated;
  std::uint8_t truncated;
  std::uint8_t partial;
  std::uint64_t tokens_written;
  std::uint64_t tokens_dropped;
};
static_assert(sizeof(WorldHeader) == 64);

struct AgentColumns {
  CellIndex* cell;
  Orientation* orientation;
  CellCode* ahead;             // what stood ahead before the actions of this step; see GameProgram::remembers_ahead
  std::uint8_t* ahead_frozen;  // whether that was a frozen agent
  std::uint8_t* color;
  std::uint8_t* glyph;
  std::uint8_t* shield;   // whether it is up
  std::uint16_t* frozen;  // steps still blocked, the current one included
  std::uint8_t* group;    // group index, not id
  Presence* presence;
  CellIndex* home;         // where it stood at the start; only in games that take agents off the grid
  std::uint32_t* since;    // step at which it came or went last
  std::uint32_t* entered;  // step at which it entered the episode
  std::uint8_t* last_action;
  std::uint8_t* success;
  std::uint8_t* changed;
  std::uint8_t* settled;  // was waiting or gone already when the last step ended
  float* reward;          // of the last step
  double* episode_return;
  double* potential;          // sum of the reward terms after the last step
  double* paid_times;         // sum of the steps with a positive reward
  std::uint32_t* paid_steps;  // number of the steps with a positive reward
  std::uint32_t* away_steps;  // steps in which the agent was down or gone
  Amount* inventory;          // [A][R]
  Amount* inventory_before;   // [A][R] before the actions of this step
  double* stats;              // [A][S]
  std::uint8_t* visits;       // [A][padded cells], see visits.h; only in games that count visits
};

struct ObjectColumns {
  CellIndex* cell;
  ObjectPhase* phase;
  std::uint8_t* mode;    // what its kind makes of it
  std::uint32_t* until;  // step at which the phase ends
  std::int32_t* left;    // conversions or uses
  Clip* clip;
  Amount* inventory;       // [O][R]
  std::uint16_t* memory;   // [O][M] numbers that only some kinds keep; see World::Memory
  std::uint64_t* awake;    // bit set: busy, or to be looked at in the next timed events
  std::uint64_t* changed;  // bit set: the token run is stale
};

}  // namespace mettagrid
