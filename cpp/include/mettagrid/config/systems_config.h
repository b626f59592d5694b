#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mettagrid/config/named.h"

namespace mettagrid {

struct ResourceLossConfig {
  Weights probability;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("probability", self.probability);
  }
};

struct RegenerationConfig {
  Amounts amounts;
  std::int64_t interval = 1;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("amounts", self.amounts);
    visit("interval", self.interval);
  }
};

struct UpkeepConfig {
  Weights resources;
  std::string on_shortage = "none";

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("resources", self.resources);
    visit("on_shortage", self.on_shortage);
  }
};

// World systems that a game may switch on, see systems/registry.cpp; none: off.
struct SystemsConfig {
  std::optional<ResourceLossConfig> resource_loss;
  std::optional<RegenerationConfig> regeneration;
  std::optional<UpkeepConfig> upkeep;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("resource_loss", self.resource_loss);
    visit("regeneration", self.regeneration);
    visit("upkeep", self.upkeep);
  }
};

}  // namespace mettagrid
