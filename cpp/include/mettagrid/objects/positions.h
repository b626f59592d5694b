#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "mettagrid/core/types.h"

namespace mettagrid {

// The cells around an object as configs name them, in reading order, each with its Orientation seen from the object.
struct NamedPosition {
  const char* name;
  Orientation side;
};
inline constexpr std::array<NamedPosition, kNumOrientations> kPositions = {{{"NW", Orientation::kNorthWest},
                                                                            {"N", Orientation::kNorth},
                                                                            {"NE", Orientation::kNorthEast},
                                                                            {"W", Orientation::kWest},
                                                                            {"E", Orientation::kEast},
                                                                            {"SW", Orientation::kSouthWest},
                                                                            {"S", Orientation::kSouth},
                                                                            {"SE", Orientation::kSouthEast}}};

// Place in kPositions. Throws ConfigError naming `key`.
std::size_t PlaceAround(const std::string& key, const std::string& name);

// Bit set over kPositions.
std::uint8_t PositionSet(const std::string& key, const std::vector<std::string>& names);

}  // namespace mettagrid
