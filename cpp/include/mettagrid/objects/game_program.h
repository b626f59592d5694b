#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mettagrid/config/game_config.h"
#include "mettagrid/core/types.h"
#include "mettagrid/objects/action_table.h"
#include "mettagrid/objects/agent_rules.h"
#include "mettagrid/objects/map_plan.h"
#include "mettagrid/objects/object_type.h"
#include "mettagrid/objects/observation_spec.h"
#include "mettagrid/objects/stat_slots.h"
#include "mettagrid/objects/system_rules.h"
#include "mettagrid/objects/team_rules.h"
#include "mettagrid/objects/world_layout.h"

namespace mettagrid {

// A game compiled once: ids instead of names, tables instead of rules. Immutable, shared by all environments that play
// it, on all threads.
struct GameProgram {
  std::vector<std::string> resource_names;
  std::uint32_t num_agents = 1;
  std::uint32_t max_steps = 1000;  // 0: endless
  ObservationSpec obs;

  std::vector<std::string> group_names;
  std::vector<std::uint8_t> group_ids;
  std::vector<AgentRules> agent_rules;     // [groups]
  std::vector<std::uint8_t> dealt_groups;  // [A] group of each agent, where the map names none; else empty
  RewardSharing sharing;
  std::vector<Goal> goals;

  std::vector<Action> actions;                         // the flat table, family after family
  std::vector<ActionFamily> families;                  // those that the game has
  std::array<std::int32_t, kNumOrientations> ahead{};  // offset of the neighbour in each orientation, in padded cells
  MoveRules move;
  HandlingRules handling;
  AttackRules attack;
  SystemRules systems;
  SwapRules swap;
  ShieldRules shield;
  ShareRules share;
  TransferRules transfer;
  BlockRules blocks;
  bool has_shields = false;
  bool remembers_ahead = false;  // some family asks what stood ahead of an agent when the step began

  std::vector<StaticType> statics;
  std::vector<ObjectType> object_types;
  std::size_t memory_words = 0;              // of the kind that keeps most
  bool has_floor = false;                    // some objects can be walked over: see World::floor
  std::vector<std::uint8_t> type_of_object;  // [objects] index into object_types

  MapPlan map;
  StatSlots stats;
  WorldLayout layout;

  CellCode first_agent_code = 1;
  CellCode first_object_code = 1;

  std::size_t num_resources() const { return resource_names.size(); }
  std::size_t num_objects() const { return type_of_object.size(); }
  std::size_t num_actions() const { return actions.size(); }

  bool IsStatic(CellCode code) const { return code != kEmpty && code < first_agent_code; }
  bool IsAgent(CellCode code) const { return static_cast<CellCode>(code - first_agent_code) < num_agents; }
  bool IsObject(CellCode code) const { return code >= first_object_code && code != kOutside; }
  const StaticType& StaticOf(CellCode code) const { return statics[code - 1U]; }
  AgentId AgentOf(CellCode code) const { return AgentId(code - first_agent_code); }
  ObjectId ObjectOf(CellCode code) const { return ObjectId(code - first_object_code); }
  CellCode CodeOf(AgentId agent) const { return static_cast<CellCode>(first_agent_code + agent.value); }
  CellCode CodeOf(ObjectId object) const { return static_cast<CellCode>(first_object_code + object.value); }
  const ObjectType& TypeOf(ObjectId object) const { return object_types[type_of_object[object.index()]]; }
};

// Resolves all names and lays out the world.
// Throws ConfigError naming the key: an unknown name, a value out of range, a map that does not hold its objects.
// `features`: ids that a box has planes for, ascending; without any it has one for each id.
GameProgram CompileGame(const GameConfig& config, std::vector<std::uint8_t> features = {});

// Parts of CompileGame; they follow the groups, objects and the map.
void CompileActions(const ActionsConfig& config, const Names& names, GameProgram& game);

}  // namespace mettagrid
