#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mettagrid/env/game.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// A finished episode. Names of the statistics stand in the game, once.
struct EpisodeRecord {
  std::uint64_t tick = 0;  // batch step at which it ended: records are ordered by (tick, env)
  std::uint32_t env = 0;
  std::uint32_t episode = 0;
  std::uint32_t length = 0;
  std::uint32_t game = 0;  // index in VecEnv::games
  bool terminated = false;
  bool truncated = false;
  bool partial = false;
  std::vector<double> returns;             // [A]
  std::vector<double> agent_stats;         // [S][A]
  std::vector<double> game_stats;          // [G], as GameStatNames
  std::vector<double> group_rewards;       // [groups] sum of the returns
  std::vector<double> group_sizes;         // [groups]
  std::vector<std::uint8_t> agent_groups;  // [A] group ids
  std::vector<std::uint8_t> entered;       // [A] whether the agent took part at any time

  friend bool operator==(const EpisodeRecord&, const EpisodeRecord&) = default;
};

std::vector<std::string> GameStatNames(const GameProgram& program);

EpisodeRecord MakeRecord(const World& world);

// Flat form for snapshots: every number is exact as a double.
void AppendFlat(const EpisodeRecord& record, std::vector<double>& flat);
// Reads one record at `position` and moves it on. Throws EnvError when the numbers are not those of a record.
EpisodeRecord ReadFlat(std::span<const GamePtr> games, const std::vector<double>& flat, std::size_t& position);

}  // namespace mettagrid
