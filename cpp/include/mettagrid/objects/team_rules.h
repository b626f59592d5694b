#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mettagrid/config/game_config.h"
#include "mettagrid/objects/names.h"

namespace mettagrid {

// Who gets what of a step's rewards: by groups' shares, by a matrix over agents, or neither.
struct RewardSharing {
  struct Weight {
    std::uint16_t giver;
    double weight;
  };
  std::vector<double> group_share;  // [groups]; empty: no group shares
  // Row i of the matrix: weights[row_ends[i - 1] .. row_ends[i]), without its zeros. Empty: no matrix.
  std::vector<Weight> weights;
  std::vector<std::uint32_t> row_ends;  // [A]

  bool enabled() const { return !group_share.empty() || !row_ends.empty(); }
};

// The episode terminates when the sum of `slot` over all agents reaches `threshold`.
struct Goal {
  bool from_inventory = false;
  std::uint16_t index = 0;  // ItemId or stat slot
  double threshold = 0.0;
};

// Throws ConfigError: a matrix of another size, or shares of groups besides it.
RewardSharing CompileSharing(const GameConfig& config);

// All statistics of the game are named already.
std::vector<Goal> CompileGoals(const Weights& terminate_when, const Names& names);

// The group of each agent where groups have counts: dealt in turn, as cards are, to the groups that still want some, so
// that each room of a map gets a mix. Empty without counts.
std::vector<std::uint8_t> DealGroups(const Named<GroupConfig>& groups, std::uint32_t num_agents);

}  // namespace mettagrid
