#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mettagrid/config/scatter_scenes.h"

// Scenes that fill their area with walls and carve: mazes, rooms, caves, textures from a drawn sample.

namespace mettagrid {

struct MazeScene {
  static constexpr const char* kType = "maze";
  std::string algorithm = "kruskal";
  std::vector<std::int64_t> room_size = {1, 1};  // least and greatest; each row and column draws its own
  std::vector<std::int64_t> wall_size = {1, 1};
  std::string object = "wall";
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("algorithm", self.algorithm);
    visit("room_size", self.room_size);
    visit("wall_size", self.wall_size);
    visit("object", self.object);
  }
};

struct RadialMazeScene {
  static constexpr const char* kType = "radial_maze";
  std::int64_t arms = 4;
  std::int64_t arm_width = 4;
  std::int64_t arm_length = 0;  // 0: as long as fits
  std::string object = "wall";
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("arms", self.arms);
    visit("arm_width", self.arm_width);
    visit("arm_length", self.arm_length);
    visit("object", self.object);
  }
};

struct BspScene {
  static constexpr const char* kType = "bsp";
  std::int64_t rooms = 10;
  std::int64_t min_room_size = 3;
  double min_room_size_ratio = 0.5;
  double max_room_size_ratio = 0.9;
  bool skip_corridors = false;
  std::string object = "wall";
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("rooms", self.rooms);
    visit("min_room_size", self.min_room_size);
    visit("min_room_size_ratio", self.min_room_size_ratio);
    visit("max_room_size_ratio", self.max_room_size_ratio);
    visit("skip_corridors", self.skip_corridors);
    visit("object", self.object);
  }
};

struct CavesScene {
  static constexpr const char* kType = "caves";
  double fill = 0.4;
  std::int64_t steps = 3;
  std::int64_t birth = 5;
  std::int64_t death = 3;
  std::string object = "wall";
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("fill", self.fill);
    visit("steps", self.steps);
    visit("birth", self.birth);
    visit("death", self.death);
    visit("object", self.object);
  }
};

struct WfcScene {
  static constexpr const char* kType = "wfc";
  std::vector<std::u32string> pattern;
  std::vector<std::pair<std::u32string, std::string>> legend;
  std::int64_t pattern_size = 3;
  std::string next_node_heuristic = "entropy";
  bool periodic_input = true;
  std::string symmetry = "all";
  std::int64_t attempts = 1000;
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("pattern", self.pattern);
    visit("legend", self.legend);
    visit("pattern_size", self.pattern_size);
    visit("next_node_heuristic", self.next_node_heuristic);
    visit("periodic_input", self.periodic_input);
    visit("symmetry", self.symmetry);
    visit("attempts", self.attempts);
  }
};

struct ConvchainScene {
  static constexpr const char* kType = "convchain";
  std::vector<std::u32string> pattern;
  std::vector<std::pair<std::u32string, std::string>> legend;
  std::int64_t pattern_size = 3;
  std::int64_t iterations = 10;
  double temperature = 1.0;
  bool periodic_input = true;
  std::string symmetry = "all";
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("pattern", self.pattern);
    visit("legend", self.legend);
    visit("pattern_size", self.pattern_size);
    visit("iterations", self.iterations);
    visit("temperature", self.temperature);
    visit("periodic_input", self.periodic_input);
    visit("symmetry", self.symmetry);
  }
};

}  // namespace mettagrid
