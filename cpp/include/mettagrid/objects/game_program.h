#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mettagrid/config/game_config.h"
#include "mettagrid/core/types.h"
#include "mettagrid/objects/map_plan.h"
#include "mettagrid/objects/stat_slots.h"
#include "mettagrid/objects/world_layout.h"

namespace mettagrid {

struct ItemAmount {
  ItemId item;
  Amount amount;
};

// Resources that an action needs and pays.
struct ActionCost {
  std::vector<ItemAmount> needed;    // what must be held: the greater of required and consumed
  std::vector<ItemAmount> consumed;  // what is paid on success
};

struct ConverterType {
  std::string name;
  std::uint8_t type_id = 0;
  std::vector<ItemAmount> inputs;   // in item order
  std::vector<ItemAmount> outputs;  // in item order
  std::vector<ItemId> shown_items;  // inputs and outputs in item order: what the token run lists
  std::int32_t max_output = 5;      // < 0: unlimited
  std::int32_t max_conversions = -1;
  std::uint32_t conversion_ticks = 1;
  std::uint32_t cooldown = 0;
  Amount initial_amount = 0;
  std::uint16_t first = 0;  // converters of this type are numbered first .. first + count - 1
  std::uint16_t count = 0;
};

struct StaticType {
  std::string name;
  std::uint8_t type_id = 0;
};

enum class ActionKind : std::uint8_t { kNoop = 0, kMove = 1, kAttack = 2 };
inline constexpr std::size_t kNumActionKinds = 3;
inline constexpr std::size_t kNumAttackCells = 9;

// One entry of the flat action table.
struct Action {
  std::string name;
  ActionKind kind;
  std::uint8_t argument;  // move: Orientation; attack: cell 0 .. 8 of the 3x3 ahead
};

// contribution = min(weight * value, cap); value is an amount held now, or a statistic.
struct RewardTerm {
  bool from_inventory;
  std::uint16_t index;  // ItemId or stat slot
  double weight;
  double cap;
};

struct ObservationSpec {
  std::int32_t width = 11;
  std::int32_t height = 11;
  std::int32_t num_tokens = 200;
  bool episode_completion_pct = true;
  bool last_action = true;
  bool last_reward = true;
};

// A game compiled once: ids instead of names, tables instead of rules. Immutable, shared by all environments that play
// it, on all threads.
struct GameProgram {
  std::vector<std::string> resource_names;
  std::uint32_t num_agents = 1;
  std::uint32_t max_steps = 1000;  // 0: endless
  ObservationSpec obs;

  std::vector<Amount> resource_limits;  // [R]
  std::vector<ItemAmount> initial_inventory;
  std::vector<bool> soul_bound;  // [R]
  std::uint16_t freeze_duration = 10;
  float failure_penalty = 0.0F;
  std::vector<RewardTerm> rewards;
  bool rewards_read_stats = false;  // some term reads a statistic, which may change without the inventory

  std::vector<std::string> group_names;
  std::vector<std::uint8_t> group_ids;

  std::vector<Action> actions;  // noop, then the moves, then the attacks, as far as the game has them
  bool has_moves = true;
  bool has_attacks = false;
  ActionCost move_cost;
  ActionCost attack_cost;
  std::vector<Amount> move_reserved;  // [R] units kept back for the move's own cost while using an object
  std::vector<ItemAmount> defense;

  std::vector<StaticType> statics;
  std::vector<ConverterType> converter_types;
  std::vector<std::uint8_t> type_of_converter;  // [C] index into converter_types

  MapPlan map;
  StatSlots stats;
  WorldLayout layout;

  // [4][9] offsets in padded cells of the 3x3 ahead, per orientation; see actions/attack.h for the drawing.
  std::array<std::array<std::int32_t, kNumAttackCells>, kNumOrientations> attack_offsets{};
  std::array<std::int32_t, kNumOrientations> move_offsets{};

  CellCode first_agent_code = 1;
  CellCode first_converter_code = 1;

  std::size_t num_resources() const { return resource_names.size(); }
  std::size_t num_converters() const { return type_of_converter.size(); }
  std::size_t num_actions() const { return actions.size(); }

  bool IsAgent(CellCode code) const { return static_cast<CellCode>(code - first_agent_code) < num_agents; }
  bool IsConverter(CellCode code) const { return code >= first_converter_code && code != kOutside; }
  AgentId AgentOf(CellCode code) const { return AgentId(code - first_agent_code); }
  ConverterId ConverterOf(CellCode code) const { return ConverterId(code - first_converter_code); }
  CellCode CodeOf(AgentId agent) const { return static_cast<CellCode>(first_agent_code + agent.value); }
  CellCode CodeOf(ConverterId converter) const { return static_cast<CellCode>(first_converter_code + converter.value); }
  const ConverterType& TypeOf(ConverterId converter) const {
    return converter_types[type_of_converter[converter.index()]];
  }
};

// Resolves all names and lays out the world.
// Throws ConfigError naming the key: an unknown name, a value out of range, a map that does not hold its objects.
GameProgram CompileGame(const GameConfig& config);

}  // namespace mettagrid
