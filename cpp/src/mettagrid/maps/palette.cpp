#include "mettagrid/maps/palette.h"

#include <utility>

#include "mettagrid/core/check.h"

namespace mettagrid::maps {

Symbol Palette::Add(std::string name, SymbolKind kind, bool passable) {
  MG_CHECK(entries_.size() <= 255, ConfigError,
           "a map can hold 255 kinds of things, agents of each group included; the game declares more.");
  entries_.push_back({std::move(name), kind, passable});
  return static_cast<Symbol>(entries_.size() - 1);
}

Symbol Palette::Find(const std::string& key, std::string_view name) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].name == name) return static_cast<Symbol>(i);
  }
  std::string known;
  for (const Entry& entry : entries_) known += " '" + entry.name + "'";
  Raise<ConfigError>(key, " names '", name, "', which the game does not declare; known:", known,
                     ". Add it to game.objects, or to game.groups for an agent.");
}

Symbol Palette::FindStatic(const std::string& key, std::string_view name) const {
  const Symbol symbol = Find(key, name);
  MG_CHECK(Kind(symbol) == SymbolKind::kStatic, ConfigError, key, "='", name,
           "' is not a wall; expected an object of type wall.");
  return symbol;
}

Symbol Palette::FindAgent(const std::string& key, std::string_view name) const {
  const Symbol symbol = Find(key, name);
  MG_CHECK(Kind(symbol) == SymbolKind::kAgent, ConfigError, key, "='", name,
           "' is no agent; expected 'agent' or 'agent.<group>'.");
  return symbol;
}

}  // namespace mettagrid::maps
