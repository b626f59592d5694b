#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mettagrid/config/named.h"

// Scenes that put things on free cells or draw them as written. Agents go by cell names: `agent`, `agent.<group>`.

namespace mettagrid {

struct ChildConfig;
using Children = std::vector<ChildConfig>;

// Draws nothing: a place for children.
struct NopScene {
  static constexpr const char* kType = "nop";
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
  }
};

struct FillScene {
  static constexpr const char* kType = "fill";
  std::string object = "wall";
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("object", self.object);
  }
};

struct RandomScene {
  static constexpr const char* kType = "random";
  Named<std::int64_t> objects;
  Named<std::int64_t> agents;
  bool too_many_is_ok = true;
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("objects", self.objects);
    visit("agents", self.agents);
    visit("too_many_is_ok", self.too_many_is_ok);
  }
};

struct RandomObjectsScene {
  static constexpr const char* kType = "random_objects";
  Named<std::vector<double>> object_ranges;  // least and greatest share of the area
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("object_ranges", self.object_ranges);
  }
};

struct MeanDistanceScene {
  static constexpr const char* kType = "mean_distance";
  double mean_distance = 10.0;
  Named<std::int64_t> objects;
  std::string center = "agent";
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("mean_distance", self.mean_distance);
    visit("objects", self.objects);
    visit("center", self.center);
  }
};

struct AsciiScene {
  static constexpr const char* kType = "ascii";
  std::vector<std::u32string> rows;
  std::vector<std::pair<std::u32string, std::string>> legend;
  std::int64_t row = 0;
  std::int64_t column = 0;
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("rows", self.rows);
    visit("legend", self.legend);
    visit("row", self.row);
    visit("column", self.column);
  }
};

// Sparse, balanced or dense fields of obstacles, or a field of small labyrinths.
struct TerrainScene {
  static constexpr const char* kType = "terrain";
  std::string style = "balanced";
  std::string object = "wall";
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("style", self.style);
    visit("object", self.object);
  }
};

struct RemoveAgentsScene {
  static constexpr const char* kType = "remove_agents";
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
  }
};

}  // namespace mettagrid
