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
  Palette() : names_{"empty"}, kinds_{SymbolKind::kFree}, passable_{1} {}

  // Throws ConfigError when there are more than 255.
  Symbol Add(std::string name, SymbolKind kind, bool passable);

  // Throws ConfigError naming `key` and the nearest names; "empty" is kFree.
  Symbol Find(const std::string& key, std::string_view name) const;
  // As Find, but the thing must be one without state, such as a wall.
  Symbol FindStatic(const std::string& key, std::string_view name) const;
  Symbol FindAgent(const std::string& key, std::string_view name) const;

  std::size_t size() const { return names_.size(); }
  const std::string& Name(Symbol symbol) const { return names_[symbol]; }
  SymbolKind Kind(Symbol symbol) const { return kinds_[symbol]; }
  bool Passable(Symbol symbol) const { return passable_[symbol] != 0; }  // free, agent, or what one can walk on

 private:
  std::vector<std::string> names_;
  std::vector<SymbolKind> kinds_;
  std::vector<std::uint8_t> passable_;
};

}  // namespace mettagrid::maps
