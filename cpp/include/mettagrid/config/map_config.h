#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mettagrid/config/named.h"

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

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("rows", self.rows);
    visit("legend", self.legend);
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

using MapConfig = std::variant<RandomMapConfig, AsciiMapConfig, RoomsMapConfig>;

}  // namespace mettagrid
