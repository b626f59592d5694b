#pragma once

#include <cstdint>

namespace mettagrid {

// Ids of the token features, as metta/mettagrid/spec.py lists them. The gaps are kept for mechanics to come.
namespace feature {
inline constexpr std::uint8_t kTypeId = 0;
inline constexpr std::uint8_t kGroup = 1;
inline constexpr std::uint8_t kFrozen = 2;
inline constexpr std::uint8_t kOrientation = 3;
inline constexpr std::uint8_t kColor = 4;
inline constexpr std::uint8_t kConverting = 5;
inline constexpr std::uint8_t kShield = 6;
inline constexpr std::uint8_t kEpisodeCompletion = 7;
inline constexpr std::uint8_t kLastAction = 8;
inline constexpr std::uint8_t kOpen = 9;
inline constexpr std::uint8_t kLastReward = 10;
inline constexpr std::uint8_t kGlyph = 11;
inline constexpr std::uint8_t kVisitationCounts = 12;
inline constexpr std::uint8_t kSwappable = 13;
inline constexpr std::uint8_t kCooldownRemaining = 14;
inline constexpr std::uint8_t kClipped = 15;
inline constexpr std::uint8_t kRemainingUses = 16;
inline constexpr std::uint8_t kFirstInventory = 17;
}  // namespace feature

inline constexpr std::uint8_t kAgentTypeId = 0;
inline constexpr std::uint8_t kGlobalLocation = 0xFE;
inline constexpr std::uint8_t kPadding = 0xFF;
inline constexpr std::size_t kTokenBytes = 3;  // location, feature, value

}  // namespace mettagrid
