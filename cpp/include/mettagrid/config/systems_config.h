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

struct ClipperConfig {
  std::vector<std::string> objects;
  double rate = 0.0;
  std::int64_t period = 0;
  std::int64_t length_scale = 0;
  std::int64_t cutoff = 3;
  Amounts unclipping_resources;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("objects", self.objects);
    visit("rate", self.rate);
    visit("period", self.period);
    visit("length_scale", self.length_scale);
    visit("cutoff", self.cutoff);
    visit("unclipping_resources", self.unclipping_resources);
  }
};

struct HealthConfig {
  std::string resource = "hp";
  std::int64_t damage = 1;
  bool freezes = false;
  std::string on_death = "lose";
  std::string pile = "pile";
  std::optional<std::int64_t> respawn_ticks = 10;
  std::string respawn_at = "start";
  bool restock = false;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("resource", self.resource);
    visit("damage", self.damage);
    visit("freezes", self.freezes);
    visit("on_death", self.on_death);
    visit("pile", self.pile);
    visit("respawn_ticks", self.respawn_ticks);
    visit("respawn_at", self.respawn_at);
    visit("restock", self.restock);
  }
};

struct PopulationConfig {
  std::optional<std::int64_t> initial_agents;
  std::vector<std::int64_t> enter_steps;
  double enter_rate = 0.0;
  std::vector<std::int64_t> leave_steps;
  std::optional<std::int64_t> stay;
  Amounts goal;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("initial_agents", self.initial_agents);
    visit("enter_steps", self.enter_steps);
    visit("enter_rate", self.enter_rate);
    visit("leave_steps", self.leave_steps);
    visit("stay", self.stay);
    visit("goal", self.goal);
  }
};

// World systems that a game may switch on, see systems/registry.cpp; none: off.
struct SystemsConfig {
  std::optional<ResourceLossConfig> resource_loss;
  std::optional<RegenerationConfig> regeneration;
  std::optional<UpkeepConfig> upkeep;
  std::optional<ClipperConfig> clipper;
  std::optional<HealthConfig> health;
  std::optional<PopulationConfig> population;

  template <class Visitor, class Self>
  static void Visit(Visitor&& visit, Self& self) {
    visit("resource_loss", self.resource_loss);
    visit("regeneration", self.regeneration);
    visit("upkeep", self.upkeep);
    visit("clipper", self.clipper);
    visit("health", self.health);
    visit("population", self.population);
  }
};

}  // namespace mettagrid
