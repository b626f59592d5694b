#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "mettagrid/objects/game_program.h"
#include "mettagrid/observe/global_state.h"
#include "mettagrid/observe/observer.h"
#include "mettagrid/systems/registry.h"

namespace mettagrid {

// A compiled game with its observation tables: what environments share.
struct Game {
  explicit Game(const GameConfig& config, std::vector<std::uint8_t> features = {})
      : program(CompileGame(config, std::move(features))),
        observer(program),
        state(program),
        systems(EnabledSystems(program)),
        starts(SystemStarts(program)) {}
  Game(const Game&) = delete;
  Game& operator=(const Game&) = delete;

  const GameProgram program;
  const Observer observer;
  const GlobalState state;
  const std::vector<RunSystem> systems;
  const std::vector<RunSystem> starts;
};

using GamePtr = std::shared_ptr<const Game>;

}  // namespace mettagrid
