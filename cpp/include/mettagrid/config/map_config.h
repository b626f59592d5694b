#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mettagrid/config/named.h"
#include "mettagrid/config/scene_config.h"

namespace mettagrid {

struct RandomMapConfig {
  static constexpr const char* kType = "random";
  std::int64_t width = 20;
  std::int64_t height = 20;
  std::int64_t border_width = 1;
  std::string border_object = "wall";
  Named<std::int64_t> objects;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("width", self.width);
    visit("height", self.height);
    visit("border_width", self.border_width);
    visit("border_object", self.border_object);
    visit("objects", self.objects);
  }
};

// A drawn map. Rows are UTF-32, so that one character is one cell in any script. `legend` is complete: the binding adds
// the default characters of metta/mettagrid/maps/legend.py.
struct AsciiMapConfig {
  static constexpr const char* kType = "ascii";
  std::vector<std::u32string> rows;
  std::vector<std::pair<std::u32string, std::string>> legend;
  std::string uri;  // where the rows were read from

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("rows", self.rows);
    visit("legend", self.legend);
    visit("uri", self.uri);
  }
};

struct RoomsMapConfig {
  static constexpr const char* kType = "rooms";
  std::int64_t rooms = 1;
  std::int64_t room_width = 25;
  std::int64_t room_height = 25;
  std::int64_t border_width = 6;
  std::string border_object = "wall";
  std::int64_t room_border_width = 0;
  Named<std::int64_t> objects;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("rooms", self.rooms);
    visit("room_width", self.room_width);
    visit("room_height", self.room_height);
    visit("border_width", self.border_width);
    visit("border_object", self.border_object);
    visit("room_border_width", self.room_border_width);
    visit("objects", self.objects);
  }
};

// A tree of scenes, drawn anew in each episode; copies of it side by side when there are several instances.
struct SceneMapConfig {
  static constexpr const char* kType = "scene";
  std::int64_t instance_width = 20;  // within its border
  std::int64_t instance_height = 20;
  SceneConfig scene;
  std::int64_t border_width = 5;
  std::string border_object = "wall";
  std::int64_t instances = 1;
  std::int64_t instance_border_width = 5;
  std::string connectivity = "none";

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("instance_width", self.instance_width);
    visit("instance_height", self.instance_height);
    visit("scene", self.scene);
    visit("border_width", self.border_width);
    visit("border_object", self.border_object);
    visit("instances", self.instances);
    visit("instance_border_width", self.instance_border_width);
    visit("connectivity", self.connectivity);
  }
};

// Ready grids, one of which is drawn per episode; then agents and objects are scattered over its free cells.
struct PoolMapConfig {
  static constexpr const char* kType = "pool";
  std::int64_t width = 0;  // 0: of the largest grid
  std::int64_t height = 0;
  std::vector<std::vector<std::u32string>> grids;
  std::vector<std::string> uris;  // read by the binding's caller, who adds them to `grids`
  std::vector<std::pair<std::u32string, std::string>> legend;
  std::string border_object = "wall";
  Named<std::int64_t> agents;
  Named<std::int64_t> objects;
  std::string connectivity = "none";

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("width", self.width);
    visit("height", self.height);
    visit("grids", self.grids);
    visit("uris", self.uris);
    visit("legend", self.legend);
    visit("border_object", self.border_object);
    visit("agents", self.agents);
    visit("objects", self.objects);
    visit("connectivity", self.connectivity);
  }
};

using MapConfig = std::variant<RandomMapConfig, AsciiMapConfig, RoomsMapConfig, SceneMapConfig, PoolMapConfig>;

}  // namespace mettagrid
