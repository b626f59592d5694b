#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mettagrid/config/named.h"

// What each kind of object does: objects/<kind>.h.
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

struct PlantConfig {
  static constexpr const char* kType = "plant";
  std::int64_t type_id = 22;
  std::string resource;
  std::int64_t max_stock = 1;
  std::int64_t initial_stock = 1;
  std::int64_t harvest = 1;
  std::vector<double> growth = {0.0, 0.0025, 0.005, 0.025};
  std::int64_t radius = 2;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("type_id", self.type_id);
    visit("resource", self.resource);
    visit("max_stock", self.max_stock);
    visit("initial_stock", self.initial_stock);
    visit("harvest", self.harvest);
    visit("growth", self.growth);
    visit("radius", self.radius);
  }
};

struct DoorConfig {
  static constexpr const char* kType = "door";
  std::int64_t type_id = 21;
  Amounts key_resources;
  bool consumes_key = true;
  std::int64_t open_ticks = 0;
  bool starts_open = false;
  bool opaque = true;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("type_id", self.type_id);
    visit("key_resources", self.key_resources);
    visit("consumes_key", self.consumes_key);
    visit("open_ticks", self.open_ticks);
    visit("starts_open", self.starts_open);
    visit("opaque", self.opaque);
  }
};

// What an agent that shows `glyph` moves: units into the chest, or (negative) out of it.
struct GlyphTransferConfig {
  std::int64_t glyph = 1;
  Amounts amounts;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("glyph", self.glyph);
    visit("amounts", self.amounts);
  }
};

struct ChestConfig {
  static constexpr const char* kType = "chest";
  std::int64_t type_id = 20;
  std::string resource;
  std::vector<std::string> deposit_positions = {"NW", "N", "NE", "W", "E", "SW", "S", "SE"};
  std::vector<std::string> withdrawal_positions = {"NW", "N", "NE", "W", "E", "SW", "S", "SE"};
  std::int64_t amount = 1;
  std::int64_t initial = 0;
  std::int64_t limit = 255;
  std::vector<GlyphTransferConfig> glyph_transfers;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("type_id", self.type_id);
    visit("resource", self.resource);
    visit("deposit_positions", self.deposit_positions);
    visit("withdrawal_positions", self.withdrawal_positions);
    visit("amount", self.amount);
    visit("initial", self.initial);
    visit("limit", self.limit);
    visit("glyph_transfers", self.glyph_transfers);
  }
};

struct AssemblerRecipeConfig {
  std::vector<std::string> positions;
  std::vector<std::int64_t> glyphs;
  std::int64_t min_agents = 1;
  Amounts input_resources;
  Amounts output_resources;
  std::int64_t cooldown = 0;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("positions", self.positions);
    visit("glyphs", self.glyphs);
    visit("min_agents", self.min_agents);
    visit("input_resources", self.input_resources);
    visit("output_resources", self.output_resources);
    visit("cooldown", self.cooldown);
  }
};

struct AssemblerConfig {
  static constexpr const char* kType = "assembler";
  std::int64_t type_id = 23;
  std::string match = "positions";
  std::vector<AssemblerRecipeConfig> recipes;
  std::string inputs_from = "even";
  std::string outputs_to = "user";
  std::int64_t max_uses = 0;
  bool allow_partial_usage = false;
  double exhaustion = 0.0;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("type_id", self.type_id);
    visit("match", self.match);
    visit("recipes", self.recipes);
    visit("inputs_from", self.inputs_from);
    visit("outputs_to", self.outputs_to);
    visit("max_uses", self.max_uses);
    visit("allow_partial_usage", self.allow_partial_usage);
    visit("exhaustion", self.exhaustion);
  }
};

struct PileConfig {
  static constexpr const char* kType = "pile";
  std::int64_t type_id = 24;
  std::optional<std::int64_t> capacity;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("type_id", self.type_id);
    visit("capacity", self.capacity);
  }
};

using ObjectConfig = std::variant<WallConfig, BlockConfig, ConverterConfig, PlantConfig, DoorConfig, ChestConfig,
                                  AssemblerConfig, PileConfig>;

}  // namespace mettagrid
