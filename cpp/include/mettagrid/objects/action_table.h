#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "mettagrid/core/types.h"

namespace mettagrid {

struct ItemAmount {
  ItemId item;
  Amount amount;
};

// A unit that is paid with probability fraction / 2^32.
struct ItemChance {
  ItemId item;
  std::uint32_t fraction;
};

// Resources that an action needs and pays.
struct ActionCost {
  std::vector<ItemAmount> needed;    // what must be held: the greater of required and consumed, rounded up
  std::vector<ItemAmount> consumed;  // what is paid on success
  std::vector<ItemChance> chances;   // what is paid on top, at random
  std::vector<Amount> reserved;      // [R] units kept back for this cost while the action itself takes resources
};

// Families of actions. Their order is the order of the flat action table.
enum class ActionKind : std::uint8_t {
  kNoop,
  kMove,
  kRotate,
  kPutItems,
  kGetItems,
  kAttack,
  kSwap,
  kChangeColor,
  kChangeGlyph,
  kShield,
  kShare,
  kTransfer,
  kPlaceBlock,
  kPickBlock
};
inline constexpr std::array kActionKindNames = {"noop",   "move",     "rotate",       "put_items",    "get_items",
                                                "attack", "swap",     "change_color", "change_glyph", "shield",
                                                "share",  "transfer", "place_block",  "pick_block"};
inline constexpr std::size_t kNumActionKinds = kActionKindNames.size();

// A family that the game has: flat actions first .. first + count - 1, with arguments 0 .. count - 1.
struct ActionFamily {
  ActionKind kind = ActionKind::kNoop;
  std::uint16_t first = 0;
  std::uint16_t count = 1;
  ActionCost cost;
  std::uint16_t succeeded = 0;  // stat slots
  std::uint16_t failed = 0;
};

// One entry of the flat action table.
struct Action {
  std::string name;
  ActionKind kind;
  std::uint8_t family;    // index into GameProgram::families
  std::uint8_t argument;  // move, rotate: Orientation; attack: cell 0 .. 8 of the 3x3 ahead; else a position in a list
};

inline constexpr std::size_t kNumAttackCells = 9;
inline constexpr std::size_t kMaxActions = 256;  // last_action is one byte

struct MoveRules {
  bool uses_objects = true;
};

// put_items and get_items: stat slots, one per resource.
struct HandlingRules {
  std::uint16_t first_put = 0;
  std::uint16_t first_got = 0;
};

struct AttackRules {
  std::vector<ItemAmount> defense;
  // Offsets in padded cells of the 3x3 ahead, per orientation; see actions/attack.h for the drawing.
  std::array<std::array<std::int32_t, kNumAttackCells>, kNumOrientations> offsets{};
  std::uint16_t hit = 0;  // stat slots
  std::uint16_t blocked = 0;
  std::uint16_t first_stolen = 0;  // one slot per resource
  Amount damage = 5;               // to a shield
};

struct SwapRules {
  std::uint16_t first_swapped = 0;  // stat slots: agents, then each kind of statics
};

struct ShieldRules {
  ItemId resource;
  Amount upkeep = 1;
  std::uint16_t paid = 0;  // stat slots
  std::uint16_t damage = 0;
  std::uint16_t hit = 0;
};

struct ShareRules {
  std::vector<ItemId> items;
  std::uint16_t first_given = 0;  // one slot per resource
};

struct TransferRules {
  std::vector<ItemAmount> amounts;  // by argument
  std::uint16_t first_given = 0;    // one slot per resource
};

struct BlockRules {
  CellCode placed = kEmpty;
  CellCode picked = kEmpty;
  std::vector<ItemAmount> returned;  // for the picked one
};

}  // namespace mettagrid
