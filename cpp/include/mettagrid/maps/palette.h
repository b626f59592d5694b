#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mettagrid/maps/canvas.h"

namespace mettagrid::maps {

enum class SymbolKind : std::uint8_t { kFree, kStatic, kObject, kAgent };

// The meanings of symbols: symbol s > 0 is entry s. Names are those of maps: objects, `agent`, `agent.<group>`.
class Palette {
 public:
  Palette() : entries_{{"empty", SymbolKind::kFree, true}} {}

  // Throws ConfigError when there are more than 255.
  Symbol Add(std::string name, SymbolKind kind, bool passable);

  // Throws ConfigError naming `key` and the nearest names; "empty" is kFree.
  Symbol Find(const std::string& key, std::string_view name) const;
  // As Find, but the thing must be one without state, such as a wall.
  Symbol FindStatic(const std::string& key, std::string_view name) const;
  Symbol FindAgent(const std::string& key, std::string_view name) const;

  std::size_t size() const { return entries_.size(); }
  const std::string& Name(Symbol symbol) const { return entries_[symbol].name; }
  SymbolKind Kind(Symbol symbol) const { return entries_[symbol].kind; }
  bool Passable(Symbol symbol) const { return entries_[symbol].passable; }  // free, agent, or an object one can walk on

 private:
  struct Entry {
    std::string name;
    SymbolKind kind;
    bool passable;
  };
  std::vector<Entry> entries_;
};

}  // namespace mettagrid::maps
