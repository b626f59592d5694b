#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mettagrid/config/map_config.h"
#include "mettagrid/core/types.h"
#include "mettagrid/maps/map_generator.h"

namespace mettagrid {

// What a map cell can hold, before agents and objects have numbers.
struct Thing {
  enum class Kind : std::uint8_t { kStatic, kObject, kAgent };
  Kind kind = Kind::kStatic;
  std::uint8_t index = 0;  // static type, object type, or group
  bool passable = false;   // agents may come to walk over it: a door is no wall, even while it is closed

  friend bool operator==(const Thing&, const Thing&) = default;
};

// Rectangle whose cells are all free before things are scattered over it.
struct Region {
  std::uint32_t row = 0;
  std::uint32_t column = 0;
  std::uint32_t height = 0;
  std::uint32_t width = 0;
  struct Batch {
    Thing thing;
    std::uint32_t count;
  };
  std::vector<Batch> batches;

  std::uint32_t area() const { return height * width; }
};

struct FixedThing {
  CellIndex cell;
  Thing thing;
};

// Every map builder compiles to this: cells that are the same in each episode, and regions to scatter things over or a
// generator that draws the rest.
struct MapPlan {
  std::uint32_t width = 0;  // of the map itself
  std::uint32_t height = 0;
  std::uint32_t pad_x = 0;  // padding on each side, in cells
  std::uint32_t pad_y = 0;
  std::vector<CellCode> base;  // padded grid with statics of every episode
  std::vector<std::uint8_t> base_occupied;
  std::vector<FixedThing> fixed;  // agents and objects of every episode, in reading order
  std::vector<Region> regions;
  std::shared_ptr<const maps::MapGenerator> generator;  // of scenes and pools; else null
  std::vector<std::pair<std::string, Thing>> things;    // what a cell can hold; entry i is symbol i + 1 of a drawing

  // The first key or name by which the map itself says of an agent to which group it belongs; empty: of none.
  std::string named_group;

  // Per object type, the most that one episode can hold.
  std::vector<std::uint64_t> Capacity(std::size_t num_types) const;

  std::uint32_t stride() const { return width + 2 * pad_x; }
  std::uint32_t num_cells() const { return stride() * (height + 2 * pad_y); }
  CellIndex CellAt(std::uint32_t row, std::uint32_t column) const { return (row + pad_y) * stride() + column + pad_x; }
  std::uint32_t RowOf(CellIndex cell) const { return cell / stride() - pad_y; }
  std::uint32_t ColumnOf(CellIndex cell) const { return cell % stride() - pad_x; }
};

// Bytes of the occupancy bit set of a padded grid; the slack lets a window's row be read as one 32-bit word.
inline std::size_t OccupancyBytes(std::size_t num_cells) { return (num_cells + 7) / 8 + 8; }

// Names that a map may use, resolved.
struct ThingNames {
  std::vector<std::pair<std::string, Thing>> things;
  const Thing& Find(const std::string& key, const std::string& name) const;  // throws ConfigError
};

// `num_agents` 0: any number, for maps that are only looked at.
// Throws ConfigError: unknown names, a map too small, another number of agents than `num_agents`.
MapPlan CompileMap(const MapConfig& config, const ThingNames& names, std::uint32_t num_agents, std::uint32_t pad_x,
                   std::uint32_t pad_y);

}  // namespace mettagrid
