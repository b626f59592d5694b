#include "mettagrid/objects/map_plan.h"

#include <algorithm>
#include <span>

#include "mettagrid/core/check.h"

namespace mettagrid {
namespace {

class MapCompiler {
 public:
  MapCompiler(const ThingNames& names, std::uint32_t num_agents, std::uint32_t pad_x, std::uint32_t pad_y)
      : names_(names), num_agents_(num_agents) {
    plan_.pad_x = pad_x;
    plan_.pad_y = pad_y;
  }

  void operator()(const RandomMapConfig& map) {
    Resize(map.width, map.height);
    CheckBorder("map.border_width", map.border_width, map.width, map.height);
    const auto border = static_cast<std::uint32_t>(map.border_width);
    Fill("map.border_object", map.border_object, border > 0);
    Region region{.row = border,
                  .column = border,
                  .height = plan_.height - 2 * border,
                  .width = plan_.width - 2 * border,
                  .batches = {}};
    Scatter(std::move(region), map.objects, num_agents_);
  }

  void operator()(const RoomsMapConfig& map) {
    MG_CHECK(map.rooms >= 1 && map.rooms <= kMaxSide, ConfigError, "map.rooms=", map.rooms, ", expected 1 .. ",
             kMaxSide, ".");
    std::int64_t columns = 1;
    while (columns * columns < map.rooms) ++columns;
    const std::int64_t rows = (map.rooms + columns - 1) / columns;
    MG_CHECK(map.border_width >= 0 && map.border_width <= kMaxSide, ConfigError, "map.border_width=", map.border_width,
             ", expected 0 .. ", kMaxSide, ".");
    CheckSide("map.room_width", map.room_width);
    CheckSide("map.room_height", map.room_height);
    Resize(2 * map.border_width + columns * map.room_width, 2 * map.border_width + rows * map.room_height);
    CheckBorder("map.room_border_width", map.room_border_width, map.room_width, map.room_height);
    const bool filled = map.border_width > 0 || map.room_border_width > 0 || map.rooms % columns != 0;
    Fill("map.border_object", map.border_object, filled);
    const auto inner_border = static_cast<std::uint32_t>(map.room_border_width);
    const auto rooms = static_cast<std::uint32_t>(map.rooms);
    for (std::uint32_t room = 0; room < rooms; ++room) {
      const auto grid_row = static_cast<std::uint32_t>(room / columns);
      const auto grid_column = static_cast<std::uint32_t>(room % columns);
      const auto height = static_cast<std::uint32_t>(map.room_height);
      const auto width = static_cast<std::uint32_t>(map.room_width);
      const auto border = static_cast<std::uint32_t>(map.border_width);
      Region region{.row = border + grid_row * height + inner_border,
                    .column = border + grid_column * width + inner_border,
                    .height = height - 2 * inner_border,
                    .width = width - 2 * inner_border,
                    .batches = {}};
      // The first rooms get the remainder.
      Scatter(std::move(region), map.objects, num_agents_ / rooms + (room < num_agents_ % rooms ? 1 : 0));
    }
  }

  void operator()(const AsciiMapConfig& map) {
    MG_CHECK(!map.rows.empty(), ConfigError, "map.rows is empty, expected at least one row.");
    Resize(static_cast<std::int64_t>(map.rows[0].size()), static_cast<std::int64_t>(map.rows.size()));
    std::uint32_t drawn_agents = 0;
    for (std::uint32_t row = 0; row < plan_.height; ++row) {
      MG_CHECK(map.rows[row].size() == plan_.width, ConfigError, "map.rows[", row, "] has ", map.rows[row].size(),
               " characters, expected ", plan_.width, " as in the first row. Fill the row up with '.'.");
      for (std::uint32_t column = 0; column < plan_.width; ++column) {
        const std::string& name = Explain(map, row, column);
        const CellIndex cell = plan_.CellAt(row, column);
        if (name == "empty") {
          plan_.base[cell] = kEmpty;
          continue;
        }
        const Thing& thing = names_.Find("map.rows", name);
        if (thing.kind == Thing::Kind::kStatic) {
          plan_.base[cell] = static_cast<CellCode>(1 + thing.index);
        } else {
          plan_.fixed.push_back({cell, thing});
        }
        if (thing.kind != Thing::Kind::kAgent) continue;
        ++drawn_agents;
        NoteGroup(name);
      }
    }
    MG_CHECK(num_agents_ == 0 || drawn_agents == num_agents_, ConfigError, "map.rows draws ", drawn_agents,
             " agents, but num_agents=", num_agents_, ". Set num_agents=", drawn_agents, " or redraw the map.");
  }

  void operator()(const SceneMapConfig& map) { Generate(map); }
  void operator()(const PoolMapConfig& map) { Generate(map); }

  MapPlan Take() {
    plan_.things = names_.things;
    plan_.base_occupied.assign(OccupancyBytes(plan_.num_cells()), 0);
    for (CellIndex cell = 0; cell < plan_.num_cells(); ++cell) {
      if (plan_.base[cell] == kEmpty || plan_.base[cell] == kOutside) continue;
      plan_.base_occupied[cell / 8] = static_cast<std::uint8_t>(plan_.base_occupied[cell / 8] | (1U << (cell % 8)));
    }
    return std::move(plan_);
  }

 private:
  // `name` of an agent's cell.
  void NoteGroup(const std::string& name) {
    if (plan_.named_group.empty() && name.starts_with("agent.")) plan_.named_group = name;
  }

  template <class Config>
  void Generate(const Config& map) {
    maps::Palette palette;
    for (const auto& [name, thing] : names_.things) {
      const bool is_agent = thing.kind == Thing::Kind::kAgent;
      const maps::SymbolKind kind = is_agent                             ? maps::SymbolKind::kAgent
                                    : thing.kind == Thing::Kind::kObject ? maps::SymbolKind::kObject
                                                                         : maps::SymbolKind::kStatic;
      palette.Add(name, kind, is_agent || thing.passable);
    }
    plan_.generator = std::make_shared<const maps::MapGenerator>(map, palette, num_agents_);
    for (std::size_t i = 0; i < names_.things.size(); ++i) {
      const auto& [name, thing] = names_.things[i];
      if (thing.kind == Thing::Kind::kAgent && plan_.generator->most()[i + 1] > 0) NoteGroup(name);
    }
    Resize(plan_.generator->width(), plan_.generator->height());
  }

  void Resize(std::int64_t width, std::int64_t height) {
    MG_CHECK(width >= 1 && width <= kMaxSide && height >= 1 && height <= kMaxSide, ConfigError, "the map is ", width,
             "x", height, " cells, expected 1 .. ", kMaxSide, " on each side.");
    plan_.width = static_cast<std::uint32_t>(width);
    plan_.height = static_cast<std::uint32_t>(height);
    plan_.base.assign(plan_.num_cells(), kOutside);
    for (std::uint32_t row = 0; row < plan_.height; ++row) {
      const auto first = plan_.base.begin() + plan_.CellAt(row, 0);
      std::fill(first, first + plan_.width, kEmpty);
    }
  }

  static void CheckSide(const char* key, std::int64_t cells) {
    MG_CHECK(cells >= 1 && cells <= kMaxSide, ConfigError, key, "=", cells, ", expected 1 .. ", kMaxSide, ".");
  }

  static void CheckBorder(const char* key, std::int64_t border, std::int64_t width, std::int64_t height) {
    MG_CHECK(border >= 0 && border <= kMaxSide && 2 * border < std::min(width, height), ConfigError, key, "=", border,
             " leaves nothing of ", width, "x", height, " cells, expected 0 .. ", (std::min(width, height) - 1) / 2,
             ".");
  }

  // Fills the whole map with the border object; regions are dug out of it.
  void Fill(const char* key, const std::string& name, bool needed) {
    if (!needed) return;
    border_ = names_.Find(key, name);
    for (std::uint32_t row = 0; row < plan_.height; ++row) {
      for (std::uint32_t column = 0; column < plan_.width; ++column) {
        if (border_.kind == Thing::Kind::kStatic) {
          plan_.base[plan_.CellAt(row, column)] = static_cast<CellCode>(1 + border_.index);
        }
      }
    }
    MG_CHECK(border_.kind == Thing::Kind::kStatic, ConfigError, key, "='", name,
             "' is not a wall; expected an object of type wall.");
  }

  void Scatter(Region region, const Named<std::int64_t>& objects, std::uint32_t agents) {
    std::int64_t total = agents;
    if (agents > 0) region.batches.push_back({{Thing::Kind::kAgent, 0}, agents});
    for (const auto& [name, count] : objects) {
      const Thing& thing = names_.Find("map.objects", name);
      // Agents are numbered up to num_agents; a further one would be written behind the last.
      MG_CHECK(thing.kind != Thing::Kind::kAgent, ConfigError, "map.objects.", name,
               " places agents, expected objects only. The map places num_agents agents by itself.");
      MG_CHECK(count >= 0 && count <= kMaxSide * kMaxSide, ConfigError, "map.objects.", name, "=", count,
               ", expected 0 .. ", kMaxSide * kMaxSide, ".");
      if (count > 0) region.batches.push_back({thing, static_cast<std::uint32_t>(count)});
      total += count;
    }
    MG_CHECK(total <= region.area(), ConfigError, "the map puts ", agents, " agents and ", total - agents,
             " objects into ", region.height, "x", region.width, " free cells. Enlarge it or place less.");
    for (std::uint32_t row = 0; row < region.height; ++row) {
      const auto first = plan_.base.begin() + plan_.CellAt(region.row + row, region.column);
      std::fill(first, first + region.width, kEmpty);
    }
    plan_.regions.push_back(std::move(region));
  }

  static const std::string& Explain(const AsciiMapConfig& map, std::uint32_t row, std::uint32_t column) {
    const char32_t drawn = map.rows[row][column];
    for (const auto& [character, name] : map.legend) {
      if (character.size() == 1 && character[0] == drawn) return name;
    }
    Raise<ConfigError>("map.rows[", row, "] has a character (U+", std::hex, static_cast<std::uint32_t>(drawn), std::dec,
                       ") at column ", column, " that no legend explains. Add it to map.legend.");
  }

  const ThingNames& names_;
  std::uint32_t num_agents_;
  Thing border_;
  MapPlan plan_;
};

}  // namespace

std::vector<std::uint64_t> MapPlan::Capacity(std::size_t num_types) const {
  std::vector<std::uint64_t> capacity(num_types, 0);
  for (const FixedThing& thing : fixed) {
    if (thing.thing.kind == Thing::Kind::kObject) ++capacity[thing.thing.index];
  }
  for (const Region& region : regions) {
    for (const Region::Batch& batch : region.batches) {
      if (batch.thing.kind == Thing::Kind::kObject) capacity[batch.thing.index] += batch.count;
    }
  }
  for (std::size_t i = 0; generator != nullptr && i < things.size(); ++i) {
    const Thing& thing = things[i].second;
    if (thing.kind == Thing::Kind::kObject) capacity[thing.index] += generator->most()[i + 1];
  }
  return capacity;
}

const Thing& ThingNames::Find(const std::string& key, const std::string& name) const {
  for (const auto& [known, thing] : things) {
    if (known == name) return thing;
  }
  std::string known_names;
  for (const auto& entry : things) known_names += " '" + entry.first + "'";
  Raise<ConfigError>(key, " names '", name, "', which the game does not declare; known:", known_names, ".");
}

MapPlan CompileMap(const MapConfig& config, const ThingNames& names, std::uint32_t num_agents, std::uint32_t pad_x,
                   std::uint32_t pad_y) {
  MapCompiler compiler(names, num_agents, pad_x, pad_y);
  std::visit(compiler, config);
  return compiler.Take();
}

}  // namespace mettagrid
