#pragma once

#include <vector>

#include "mettagrid/objects/world.h"

namespace mettagrid {

// What happens to the whole world after the actions of a step. One line each in registry.cpp, in the order of running.
struct WorldSystem {
  const char* name;
  bool (*enabled)(const GameProgram& program);
  void (*run)(const World& world);
  void (*start)(const World& world) = nullptr;  // of an episode, when everything is placed
};

using RunSystem = void (*)(const World&);

// The systems that a game has switched on; the others cost nothing.
std::vector<RunSystem> EnabledSystems(const GameProgram& program);
std::vector<RunSystem> SystemStarts(const GameProgram& program);

}  // namespace mettagrid
