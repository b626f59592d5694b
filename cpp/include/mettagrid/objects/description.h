#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mettagrid/objects/game_program.h"

namespace mettagrid {

// Named properties of a thing, for inspection and replays: what bindings turn into a dictionary.
class Description {
 public:
  using Recipe = std::vector<std::pair<std::string, std::int64_t>>;
  using Value = std::variant<bool, std::int64_t, double, std::string, Recipe>;

  explicit Description(const GameProgram& program) : program_(&program) {}

  template <class T>
  void Add(const char* name, T value) {
    properties_.emplace_back(name, std::move(value));
  }
  void AddNumber(const char* name, std::int64_t value) { Add(name, value); }
  void AddRecipe(const char* name, std::span<const ItemAmount> amounts) {
    Recipe recipe;
    for (const ItemAmount& entry : amounts)
      recipe.emplace_back(program_->resource_names[entry.item.index()], entry.amount);
    Add(name, std::move(recipe));
  }
  void AddInventory(const char* name, std::span<const Amount> held) {
    Recipe inventory;
    for (std::size_t i = 0; i < held.size(); ++i) {
      if (held[i] > 0) inventory.emplace_back(program_->resource_names[i], held[i]);
    }
    Add(name, std::move(inventory));
  }

  const std::vector<std::pair<std::string, Value>>& properties() const { return properties_; }

 private:
  const GameProgram* program_;
  std::vector<std::pair<std::string, Value>> properties_;
};

}  // namespace mettagrid
