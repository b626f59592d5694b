#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mettagrid/config/named.h"

namespace mettagrid {

// What every action can ask for. Fractions of `consumed_resources` are paid with that probability.
struct ActionConfig {
  bool enabled = false;
  Amounts required_resources;
  Weights consumed_resources;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("enabled", self.enabled);
    visit("required_resources", self.required_resources);
    visit("consumed_resources", self.consumed_resources);
  }
};

struct NoopConfig {
  template <class Visitor, class Self>
  static void Visit(Visitor&&, Self&) {}
};

struct MoveConfig : ActionConfig {
  MoveConfig() { enabled = true; }
  std::int64_t directions = 4;
  bool uses_objects = true;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    ActionConfig::Visit(visit, self);
    visit("directions", self.directions);
    visit("uses_objects", self.uses_objects);
  }
};

struct RotateConfig : ActionConfig {
  std::int64_t directions = 4;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    ActionConfig::Visit(visit, self);
    visit("directions", self.directions);
  }
};

struct PutItemsConfig : ActionConfig {};

struct GetItemsConfig : ActionConfig {};

struct AttackConfig : ActionConfig {
  Amounts defense_resources;
  std::int64_t damage = 5;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    ActionConfig::Visit(visit, self);
    visit("defense_resources", self.defense_resources);
    visit("damage", self.damage);
  }
};

struct SwapConfig : ActionConfig {};

struct ChangeColorConfig : ActionConfig {};

struct ChangeGlyphConfig : ActionConfig {
  std::int64_t number_of_glyphs = 4;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    ActionConfig::Visit(visit, self);
    visit("number_of_glyphs", self.number_of_glyphs);
  }
};

struct ShieldConfig : ActionConfig {
  std::string resource = "energy";
  std::int64_t upkeep = 1;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    ActionConfig::Visit(visit, self);
    visit("resource", self.resource);
    visit("upkeep", self.upkeep);
  }
};

struct ShareConfig : ActionConfig {
  std::vector<std::string> shareable_resources;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    ActionConfig::Visit(visit, self);
    visit("shareable_resources", self.shareable_resources);
  }
};

struct TransferConfig : ActionConfig {
  Amounts amounts;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    ActionConfig::Visit(visit, self);
    visit("amounts", self.amounts);
  }
};

struct PlaceBlockConfig : ActionConfig {
  std::string block = "block";

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    ActionConfig::Visit(visit, self);
    visit("block", self.block);
  }
};

struct PickBlockConfig : ActionConfig {
  std::string block = "block";
  Amounts returned_resources;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    ActionConfig::Visit(visit, self);
    visit("block", self.block);
    visit("returned_resources", self.returned_resources);
  }
};

struct ActionsConfig {
  NoopConfig noop;
  MoveConfig move;
  RotateConfig rotate;
  PutItemsConfig put_items;
  GetItemsConfig get_items;
  AttackConfig attack;
  SwapConfig swap;
  ChangeColorConfig change_color;
  ChangeGlyphConfig change_glyph;
  ShieldConfig shield;
  ShareConfig share;
  TransferConfig transfer;
  PlaceBlockConfig place_block;
  PickBlockConfig pick_block;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("noop", self.noop);
    visit("move", self.move);
    visit("rotate", self.rotate);
    visit("put_items", self.put_items);
    visit("get_items", self.get_items);
    visit("attack", self.attack);
    visit("swap", self.swap);
    visit("change_color", self.change_color);
    visit("change_glyph", self.change_glyph);
    visit("shield", self.shield);
    visit("share", self.share);
    visit("transfer", self.transfer);
    visit("place_block", self.place_block);
    visit("pick_block", self.pick_block);
  }
};

}  // namespace mettagrid
