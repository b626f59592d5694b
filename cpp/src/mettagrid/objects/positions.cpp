#include "mettagrid/objects/positions.h"

#include "mettagrid/core/check.h"

namespace mettagrid {

std::size_t PlaceAround(const std::string& key, const std::string& name) {
  for (std::size_t i = 0; i < kPositions.size(); ++i) {
    if (name == kPositions[i].name) return i;
  }
  Raise<ConfigError>(key, " has '", name, "', expected NW, N, NE, W, E, SW, S or SE.");
}

std::uint8_t PositionSet(const std::string& key, const std::vector<std::string>& names) {
  std::uint8_t set = 0;
  for (const std::string& name : names) set = static_cast<std::uint8_t>(set | 1U << PlaceAround(key, name));
  return set;
}

}  // namespace mettagrid
