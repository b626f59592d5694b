#pragma once

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

// Kinds of objects that have a state. Each has one line in objects/object_kinds.cpp, in this order.
using ObjectRules = std::variant<ConverterRules, PlantRules, DoorRules>;

struct ObjectType {
  std::string name;
  std::uint8_t type_id = 0;
  ObjectRules rules;
  std::vector<ItemId> shown_items;  // in item order: the resources that its token run lists
  std::uint32_t reach = 0;          // how many cells around itself it looks at
  bool on_floor = false;            // agents may stand on it: see World::floor
  std::uint16_t first = 0;          // objects of this type are numbered first .. first + count - 1
  std::uint16_t count = 0;          // the most that one episode's map can hold
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
