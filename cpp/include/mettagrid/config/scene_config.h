#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "mettagrid/config/boxed.h"
#include "mettagrid/config/carve_scenes.h"
#include "mettagrid/config/scatter_scenes.h"

// Scenes that divide their area or draw other scenes, and the tree that all scenes form. A mirror of
// metta/mettagrid/maps/scenes/*.py.

namespace mettagrid {

struct SceneConfig;

struct BspLayoutScene {
  static constexpr const char* kType = "bsp_layout";
  std::int64_t area_count = 4;
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("area_count", self.area_count);
  }
};

struct RoomGridScene {
  static constexpr const char* kType = "room_grid";
  std::int64_t rows = 0;  // 0: from the layout
  std::int64_t columns = 0;
  std::vector<std::vector<std::string>> layout;  // a tag per room
  std::int64_t border_width = 5;
  std::string border_object = "wall";
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("rows", self.rows);
    visit("columns", self.columns);
    visit("layout", self.layout);
    visit("border_width", self.border_width);
    visit("border_object", self.border_object);
  }
};

struct LayoutAreaConfig {
  std::int64_t width = 1;
  std::int64_t height = 1;
  std::string placement = "center";
  std::string tag;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("width", self.width);
    visit("height", self.height);
    visit("placement", self.placement);
    visit("tag", self.tag);
  }
};

struct LayoutScene {
  static constexpr const char* kType = "layout";
  std::vector<LayoutAreaConfig> areas;
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("areas", self.areas);
  }
};

struct MirrorScene {
  static constexpr const char* kType = "mirror";
  Boxed<SceneConfig> scene;
  std::string symmetry = "horizontal";
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("scene", self.scene);
    visit("symmetry", self.symmetry);
  }
};

struct CandidateConfig {
  Boxed<SceneConfig> scene;
  double weight = 1.0;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("scene", self.scene);
    visit("weight", self.weight);
  }
};

// One of several scenes, drawn by weight.
struct RandomChoiceScene {
  static constexpr const char* kType = "random_scene";
  std::vector<CandidateConfig> candidates;
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
    visit("candidates", self.candidates);
  }
};

// Digs tunnels until all free cells of the area are one region.
struct MakeConnectedScene {
  static constexpr const char* kType = "make_connected";
  Children children;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("children", self.children);
  }
};

struct SceneConfig
    : std::variant<NopScene, FillScene, RandomScene, RandomObjectsScene, MeanDistanceScene, AsciiScene, TerrainScene,
                   RemoveAgentsScene, MazeScene, RadialMazeScene, BspScene, CavesScene, WfcScene, ConvchainScene,
                   BspLayoutScene, RoomGridScene, LayoutScene, MirrorScene, RandomChoiceScene, MakeConnectedScene> {
  using variant::variant;
};

// Where in its parent's area a child scene is drawn: the whole of it, or each area that carries all tags.
struct ChildConfig {
  SceneConfig scene;
  std::vector<std::string> where;  // tags; none: the parent's whole area
  std::int64_t limit = 0;          // most areas to use; 0: all
  std::int64_t offset = 0;         // areas to leave out first
  std::string order_by = "random";
  std::string lock;  // areas used under a lock are not used again under it

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("scene", self.scene);
    visit("where", self.where);
    visit("limit", self.limit);
    visit("offset", self.offset);
    visit("order_by", self.order_by);
    visit("lock", self.lock);
  }
};

}  // namespace mettagrid
