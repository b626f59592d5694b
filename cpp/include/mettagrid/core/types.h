#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace mettagrid {

// A typed index: an agent's number cannot be taken for an object's or a resource's.
template <class Tag>
struct Id {
  std::uint16_t value = 0;

  constexpr Id() = default;
  template <class Integer>
  constexpr explicit Id(Integer number) : value(static_cast<std::uint16_t>(number)) {}
  constexpr std::size_t index() const { return value; }
  friend constexpr auto operator<=>(Id, Id) = default;
};

using AgentId = Id<struct AgentTag>;
inline constexpr AgentId kNobody(0xFFFF);
using ObjectId = Id<struct ObjectTag>;
using ItemId = Id<struct ItemTag>;

// Units of one resource in one inventory.
using Amount = std::uint16_t;
inline constexpr Amount kMaxAmount = 65535;

// Index into the padded grid, row-major. The padding lets windows and weapons look past the map without bounds checks.
using CellIndex = std::uint32_t;
inline constexpr CellIndex kNowhere = 0xFFFFFFFF;

// What stands on a cell: nothing, a kind of static object (wall), or one agent or object. The ranges after
// kEmpty are laid out by the GameProgram: statics, agents, objects. kOutside fills the padding.
using CellCode = std::uint16_t;
inline constexpr CellCode kEmpty = 0;
inline constexpr CellCode kOutside = 0xFFFF;

// Also the value of the token agent:orientation.
//
//     4 0 5
//     2 . 3
//     6 1 7
enum class Orientation : std::uint8_t {
  kNorth = 0,
  kSouth = 1,
  kWest = 2,
  kEast = 3,
  kNorthWest = 4,
  kNorthEast = 5,
  kSouthWest = 6,
  kSouthEast = 7
};
inline constexpr std::size_t kNumOrientations = 8;
inline constexpr std::size_t kNumCardinals = 4;  // the first of them; the others are diagonals
// The two cardinal neighbours of each diagonal, from kNorthWest on.
inline constexpr std::size_t kClockwise[] = {0, 3, 2, 1};
inline constexpr std::size_t kCounterClockwise[] = {2, 0, 1, 3};

inline constexpr std::size_t kMaxAgents = 1024;
inline constexpr std::size_t kMaxResources = 238;  // feature ids 17 .. 254 are inventories
inline constexpr std::int64_t kMaxSide = 1024;
inline constexpr std::int64_t kMaxObjectKinds = 120;
inline constexpr std::int64_t kMaxTicks = 65535;

}  // namespace mettagrid
