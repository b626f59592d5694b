#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "mettagrid/config/named.h"

namespace mettagrid {

struct WallConfig {
  static constexpr const char* kType = "wall";
  std::int64_t type_id = 1;
  bool swappable = false;
  bool opaque = true;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("type_id", self.type_id);
    visit("swappable", self.swappable);
    visit("opaque", self.opaque);
  }
};

// A wall that agents may swap places with, place and pick up.
struct BlockConfig : WallConfig {
  static constexpr const char* kType = "block";
  BlockConfig() {
    type_id = 14;
    swappable = true;
  }
};

struct ConverterConfig {
  static constexpr const char* kType = "converter";
  std::int64_t type_id = 1;
  Amounts input_resources;
  Amounts output_resources;
  std::int64_t max_output = 5;
  std::int64_t max_conversions = -1;
  std::int64_t conversion_ticks = 1;
  std::int64_t cooldown = 0;
  std::int64_t initial_resource_count = 0;
  Amounts use_cost;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("type_id", self.type_id);
    visit("input_resources", self.input_resources);
    visit("output_resources", self.output_resources);
    visit("max_output", self.max_output);
    visit("max_conversions", self.max_conversions);
    visit("conversion_ticks", self.conversion_ticks);
    visit("cooldown", self.cooldown);
    visit("initial_resource_count", self.initial_resource_count);
    visit("use_cost", self.use_cost);
  }
};

using ObjectConfig = std::variant<WallConfig, BlockConfig, ConverterConfig>;

}  // namespace mettagrid
