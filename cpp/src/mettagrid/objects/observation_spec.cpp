#include "mettagrid/objects/observation_spec.h"

#include <numeric>
#include <string>
#include <utility>

#include "mettagrid/core/check.h"
#include "mettagrid/objects/features.h"
#include "mettagrid/objects/names.h"

namespace mettagrid {
namespace {

constexpr std::int64_t kMinTokens = 16;
constexpr std::int64_t kMaxTokens = 4096;

// Whether `text` is the second of two values.
bool IsSecond(const char* key, const std::string& text, const char* first, const char* second) {
  MG_CHECK(text == first || text == second, ConfigError, key, "='", text, "', expected '", first, "' or '", second,
           "'.");
  return text == second;
}

}  // namespace

ObservationSpec CompileObservation(const ObservationConfig& obs) {
  for (const auto& [key, size] : {std::pair{"obs.width", obs.width}, std::pair{"obs.height", obs.height}}) {
    MG_CHECK(size >= 3 && size <= 15 && size % 2 == 1, ConfigError, key, "=", size,
             ", expected an odd number 3 .. 15: the agent stands in the window's centre.");
  }
  return {
      .kind = IsSecond("obs.kind", obs.kind, "tokens", "box") ? ObservationKind::kBox : ObservationKind::kTokens,
      .width = static_cast<std::int32_t>(obs.width),
      .height = static_cast<std::int32_t>(obs.height),
      .shape = IsSecond("obs.shape", obs.shape, "square", "circle") ? WindowShape::kCircle : WindowShape::kSquare,
      .line_of_sight = obs.line_of_sight,
      .num_tokens = static_cast<std::int32_t>(Ranged("obs.num_tokens", obs.num_tokens, kMinTokens, kMaxTokens)),
      .overflow_is_error = IsSecond("obs.overflow", obs.overflow, "drop_far", "error"),
      .episode_completion_pct = obs.episode_completion_pct,
      .last_action = obs.last_action,
      .last_reward = obs.last_reward,
      .visitation_counts = obs.visitation_counts,
      .global_state = obs.global_state,
      .features = {},
  };
}

std::vector<std::uint8_t> CheckedFeatures(std::vector<std::uint8_t> ids, std::size_t num_resources) {
  const std::size_t num_ids = feature::kFirstInventory + num_resources;
  if (ids.empty()) {
    ids.resize(num_ids);
    std::iota(ids.begin(), ids.end(), std::uint8_t{0});
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    MG_CHECK(ids[i] < num_ids && (i == 0 || ids[i - 1] < ids[i]), ConfigError, "features[", i, "]=", int{ids[i]},
             ", expected ascending ids below ", num_ids, ": those of metta/mettagrid/spec.py.");
  }
  return ids;
}

}  // namespace mettagrid
