#include "mettagrid/maps/palette.h"

#include <utility>

#include "mettagrid/core/check.h"

namespace mettagrid::maps {

Symbol Palette::Add(std::string name, SymbolKind kind, bool passable) {
  MG_CHECK(names_.size() <= 255, ConfigError,
           "a map can hold 255 kinds of things, agents of each group included; the game declares more.");
  names_.push_back(std::move(name));
  kinds_.push_back(kind);
  passable_.push_back(passable ? 1 : 0);
  return static_cast<Symbol>(names_.size() - 1);
}

Symbol Palette::Find(const std::string& key, std::string_view name) const {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] == name) return static_cast<Symbol>(i);
  }
  std::string known;
  for (const std::string& one : names_) known += " '" + one + "'";
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
