#pragma once

#include <string>
#include <vector>

#include "mettagrid/config/actions_config.h"
#include "mettagrid/objects/game_program.h"

namespace mettagrid {

// Adds the families of a game, in the order of ActionKind.
class ActionCompiler {
 public:
  ActionCompiler(const Names& names, GameProgram& game) : names_(names), game_(game) {}

  // `variants`: names of the flat actions; a family of one is called by its own name.
  ActionFamily& Add(ActionKind kind, const std::vector<std::string>& variants);
  // The same with the costs that `config` asks for.
  ActionFamily& Add(ActionKind kind, const std::vector<std::string>& variants, const ActionConfig& config);

 private:
  void SetCost(const std::string& key, const ActionConfig& config, ActionCost& cost) const;

  const Names& names_;
  GameProgram& game_;
};

}  // namespace mettagrid
