#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mettagrid/core/check.h"
#include "mettagrid/objects/game_program.h"
#include "mettagrid/objects/world_columns.h"

namespace mettagrid {

// One environment's state: columns over a flat span of bytes that the caller owns. Copying the bytes copies the state.
class World {
 public:
  World(const GameProgram& program, std::byte* bytes);

  std::span<std::byte> bytes() const { return {bytes_, program->layout.num_bytes}; }
  WorldHeader& header() const { return *reinterpret_cast<WorldHeader*>(bytes_); }

  std::span<Amount> Inventory(AgentId agent) const {
    return {agents.inventory + agent.index() * num_resources_, num_resources_};
  }
  std::span<Amount> Inventory(ObjectId object) const {
    return {objects.inventory + object.index() * num_resources_, num_resources_};
  }
  std::uint16_t* Memory(ObjectId object) const { return objects.memory + object.index() * program->memory_words; }
  std::span<double> Stats(AgentId agent) const { return {agents.stats + agent.index() * num_stats_, num_stats_}; }
  void Count(AgentId agent, std::size_t slot, double amount = 1.0) const { Stats(agent)[slot] += amount; }

  const AgentRules& RulesOf(AgentId agent) const { return program->agent_rules[agents.group[agent.index()]]; }
  Amount LimitOf(AgentId agent, ItemId item) const { return RulesOf(agent).resource_limits[item.index()]; }
  bool IsHere(AgentId agent) const { return agents.presence[agent.index()] == Presence::kHere; }

  // Units that `agent` can still take in this step, within its own limit and those that it shares. Room that others
  // made in this step (an attack, a team-mate that gave something away) counts only from the next step on: otherwise an
  // action could succeed that the mask had ruled out. What a team-mate hands over (`giver`) is the team's already.
  Amount Room(AgentId agent, ItemId item, AgentId giver = kNobody) const {
    const std::size_t slot = agent.index() * num_resources_ + item.index();
    const int used = std::max(agents.inventory[slot], agents.inventory_before[slot]);
    return RoomLeft(agent, item, giver, LimitOf(agent, item) - used, true);
  }
  // The same between steps: for masks, and for world systems, which run when all actions are over.
  Amount RoomNow(AgentId agent, ItemId item, AgentId giver = kNobody) const {
    return RoomLeft(agent, item, giver, LimitOf(agent, item) - Inventory(agent)[item.index()], false);
  }

  // Units that `agent` can give or pay in this step. What others gave it since the step began counts only from the next
  // step on, for the same reason.
  Amount Spendable(AgentId agent, ItemId item) const {
    const std::size_t slot = agent.index() * num_resources_ + item.index();
    return std::min(agents.inventory[slot], agents.inventory_before[slot]);
  }

  void Gain(AgentId agent, ItemId item, Amount amount) const {
    Inventory(agent)[item.index()] = static_cast<Amount>(Inventory(agent)[item.index()] + amount);
    Count(agent, program->stats.Gained(item.index()), amount);
    agents.changed[agent.index()] |= kLooksChanged | kHoldingsChanged;
  }
  void Lose(AgentId agent, ItemId item, Amount amount) const {
    MG_DCHECK(Inventory(agent)[item.index()] >= amount);
    Inventory(agent)[item.index()] = static_cast<Amount>(Inventory(agent)[item.index()] - amount);
    Count(agent, program->stats.Lost(item.index()), amount);
    agents.changed[agent.index()] |= kLooksChanged | kHoldingsChanged;
  }

  template <class Holder>
  bool Holds(Holder holder, std::span<const ItemAmount> amounts) const {
    const auto held = Inventory(holder);
    for (const ItemAmount& wanted : amounts) {
      if (held[wanted.item.index()] < wanted.amount) return false;
    }
    return true;
  }
  void Pay(AgentId agent, std::span<const ItemAmount> amounts) const {
    for (const ItemAmount& price : amounts) Lose(agent, price.item, price.amount);
  }

  void Occupy(CellIndex cell, CellCode code) const {
    cells[cell] = code;
    occupied[cell >> 3] = static_cast<std::uint8_t>(occupied[cell >> 3] | (1U << (cell & 7)));
  }
  void Vacate(CellIndex cell) const {
    cells[cell] = program->has_floor ? floor[cell] : kEmpty;  // what lies there comes to light again
    if (cells[cell] != kEmpty) return;
    occupied[cell >> 3] = static_cast<std::uint8_t>(occupied[cell >> 3] & ~(1U << (cell & 7)));
  }

  // Looked at in the next timed events, and shown anew.
  void Touch(ObjectId object) const {
    Wake(object);
    objects.changed[object.index() / 64] |= std::uint64_t{1} << (object.index() % 64);
  }
  void Wake(ObjectId object) const { objects.awake[object.index() / 64] |= std::uint64_t{1} << (object.index() % 64); }
  bool IsAwake(ObjectId object) const { return (objects.awake[object.index() / 64] >> (object.index() % 64) & 1) != 0; }

  std::uint8_t* RunOf(CellCode code) const { return runs + code * program->layout.run_bytes; }

  const GameProgram* program;
  CellCode* cells;
  CellCode* floor;  // objects that an agent may stand on: covered, they are neither seen nor used till it leaves
  std::uint8_t* occupied;
  std::uint8_t* runs;
  AgentColumns agents;
  ObjectColumns objects;

 private:
  Amount RoomLeft(AgentId agent, ItemId item, AgentId giver, int room, bool in_step) const {
    if (!RulesOf(agent).shared_limits.empty()) room = SharedRoom(agent, item, giver, room, in_step);
    return static_cast<Amount>(std::max(0, room));
  }
  int SharedRoom(AgentId agent, ItemId item, AgentId giver, int room, bool in_step) const;

  std::byte* bytes_;
  std::size_t num_resources_;
  std::size_t num_stats_;
};

// Empties the world and starts an episode: agents and objects numbered and placed on a map drawn for
// (seed, env, episode). Keeps header().seed, env and ticks; `scratch`: see DrawMap.
void StartEpisode(const World& world, std::uint32_t episode, std::span<std::uint32_t> scratch);

// What `agent` starts with, as far as its limits and its team's have room.
void GiveInitialInventory(const World& world, AgentId agent);

// Whether every index and count in the bytes is one that a step may follow without leaving them: things stand where
// they think, amounts and groups exist, the padding is whole. For bytes from outside.
bool IsSound(const World& world);

}  // namespace mettagrid
