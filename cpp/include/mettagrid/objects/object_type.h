#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "mettagrid/objects/action_table.h"

namespace mettagrid {

struct ConverterRules {
  std::vector<ItemAmount> inputs;   // in item order
  std::vector<ItemAmount> outputs;  // in item order
  std::int32_t max_output = 5;      // < 0: unlimited
  std::int32_t max_conversions = -1;
  std::uint32_t conversion_ticks = 1;
  std::uint32_t cooldown = 0;
  Amount initial_amount = 0;
  std::vector<ItemAmount> use_cost;  // in item order
};

struct PlantRules {
  ItemId item;
  Amount max_stock = 1;
  Amount initial_stock = 1;
  Amount harvest = 1;
  // Chance of one more unit a step, in 1 / 2^32, by the number of neighbours with stock; the last one holds for more.
  std::vector<std::uint64_t> growth;
  struct Offset {
    std::int32_t rows;
    std::int32_t columns;
  };
  std::vector<Offset> neighbourhood;
  std::uint16_t used = 0;  // stat slot
};

struct DoorRules {
  std::vector<ItemAmount> key;
  bool consumes_key = true;
  std::uint32_t open_ticks = 0;  // 0: stays open
  bool starts_open = false;
  bool opaque = true;
  std::uint16_t used = 0;  // stat slot
};

struct ChestRules {
  struct Transfer {
    std::size_t slot;     // of `items`
    std::int32_t amount;  // > 0: into the chest
  };
  struct GlyphTransfer {
    std::uint8_t glyph;
    std::vector<Transfer> transfers;
  };
  std::vector<ItemId> items;  // items[0] is what the sides move
  Amount amount = 1;
  Amount initial = 0;
  Amount limit = 255;             // of each item
  std::uint8_t deposit_from = 0;  // bit set of Orientation: where agents stand, seen from the chest
  std::uint8_t withdraw_from = 0;
  std::vector<GlyphTransfer> by_glyph;
  std::uint16_t used = 0;  // stat slots
  std::uint16_t deposited = 0;
  std::uint16_t withdrawn = 0;
};

struct AssemblerRecipe {
  std::vector<std::uint8_t> glyphs;  // sorted
  std::size_t min_agents = 1;
  std::vector<ItemAmount> inputs;
  std::vector<ItemAmount> outputs;
  std::uint32_t cooldown = 0;
};

struct AssemblerRules {
  std::vector<AssemblerRecipe> recipes;
  bool by_glyphs = false;
  std::array<std::uint8_t, 256> by_positions{};  // bit set of neighbours -> recipe + 1
  bool inputs_in_order = false;
  bool outputs_shared = false;
  bool allow_partial_usage = false;
  std::int32_t max_uses = 0;             // 0: no bound
  std::vector<std::uint64_t> exhausted;  // by uses so far: what a cooldown is multiplied with, in 1 / 65536
  std::uint16_t used = 0;                // stat slot
};

struct PileRules {
  std::uint16_t used = 0;  // stat slots
  std::uint16_t dropped = 0;
  std::uint16_t lost = 0;
};

// Kinds of objects that have a state. Each has one line in objects/object_kinds.cpp, in this order.
using ObjectRules = std::variant<ConverterRules, PlantRules, DoorRules, ChestRules, AssemblerRules, PileRules>;

struct ObjectType {
  std::string name;
  std::uint8_t type_id = 0;
  ObjectRules rules;
  std::vector<ItemId> shown_items;  // in item order: the resources that its token run lists
  std::size_t memory_words = 0;     // numbers of its own that an object keeps: see World::Memory
  std::uint32_t reach = 0;          // how many cells around itself it looks at
  bool on_floor = false;            // agents may stand on it: see World::floor
  std::uint16_t first = 0;          // objects of this type are numbered first .. first + count - 1
  std::uint16_t count = 0;          // the most that one episode can hold
  std::uint16_t spare = 0;          // of these, not on the map at first: they come into being during the episode
  std::uint16_t spare_per_agent = 0;
};

// Things without a state of their own: the cell code says all.
struct StaticType {
  std::string name;
  std::uint8_t type_id = 0;
  bool swappable = false;  // an agent may exchange places with it
  bool movable = false;    // an agent may place it and pick it up
  bool opaque = true;      // hides what is behind it
};

}  // namespace mettagrid
