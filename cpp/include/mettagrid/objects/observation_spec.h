#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mettagrid/config/observation_config.h"

namespace mettagrid {

enum class ObservationKind : std::uint8_t { kTokens, kBox };
enum class WindowShape : std::uint8_t { kSquare, kCircle };

// What an agent sees, and in which form.
struct ObservationSpec {
  ObservationKind kind = ObservationKind::kTokens;
  std::int32_t width = 11;
  std::int32_t height = 11;
  WindowShape shape = WindowShape::kSquare;
  bool line_of_sight = false;
  std::int32_t num_tokens = 200;
  bool overflow_is_error = false;
  bool episode_completion_pct = true;
  bool last_action = true;
  bool last_reward = true;
  bool visitation_counts = false;
  bool global_state = false;

  // Ids of the features that the game can show, ascending: the planes of a box, as metta/mettagrid/spec.py lists them.
  std::vector<std::uint8_t> features;

  // A box has a plane for the agents themselves, then one a feature.
  std::size_t num_channels() const { return 1 + features.size(); }
  std::size_t num_cells() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(height); }
  // Of one agent's observation.
  std::size_t num_bytes() const {
    return kind == ObservationKind::kBox ? num_channels() * num_cells() : static_cast<std::size_t>(num_tokens) * 3;
  }
};

// Throws ConfigError naming the key. `features` stays empty: they follow from the whole game.
ObservationSpec CompileObservation(const ObservationConfig& config);

// The listed ids, or where none are listed all that a game with so many resources can have. Throws ConfigError.
std::vector<std::uint8_t> CheckedFeatures(std::vector<std::uint8_t> ids, std::size_t num_resources);

}  // namespace mettagrid
