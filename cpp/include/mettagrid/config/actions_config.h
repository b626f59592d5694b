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

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    ActionConfig::Visit(visit, self);
    visit("defense_resources", self.defense_resources);
  }
};

struct ActionsConfig {
  NoopConfig noop;
  MoveConfig move;
  RotateConfig rotate;
  PutItemsConfig put_items;
  GetItemsConfig get_items;
  AttackConfig attack;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("noop", self.noop);
    visit("move", self.move);
    visit("rotate", self.rotate);
    visit("put_items", self.put_items);
    visit("get_items", self.get_items);
    visit("attack", self.attack);
  }
};

}  // namespace mettagrid
