#pragma once

#include "mettagrid/config/game_config.h"

namespace mettagrid {

// Largest size of a reward's weight, cap or floor, and of a weight by which rewards are shared: whatever a game counts,
// sums of such rewards stay numbers of 32 bits.
inline constexpr double kMaxReward = 1e6;
// Largest threshold of a statistic.
inline constexpr double kMaxGoal = 1e15;

// What holds for all keys alike: a mapping has each name once, and so has a list of names; numbers are finite.
// Throws ConfigError naming the key.
void CheckConfig(const GameConfig& config);

}  // namespace mettagrid
