#include "mettagrid/objects/system_rules.h"

#include <algorithm>
#include <limits>
#include <string>

#include "mettagrid/core/check.h"
#include "mettagrid/objects/game_program.h"
#include "mettagrid/objects/object_kinds.h"

namespace mettagrid {
namespace {

constexpr double kWhole = 4294967296.0;

// Rounded to the nearest 2^-32; least > 0 keeps what was asked for from becoming nothing.
std::vector<ItemRate> Rates(const std::string& key, const Weights& weights, double most, const Names& names) {
  std::vector<ItemRate> rates;
  for (const auto& [name, weight] : weights) {
    const ItemId item = names.Item(key, name);
    MG_CHECK(weight >= 1e-6 && weight <= most, ConfigError, key, ".", name, "=", weight, ", expected 1e-6 .. ", most,
             ". Change or remove the entry.");
    rates.push_back({item, static_cast<std::uint64_t>(weight * kWhole + 0.5)});
  }
  std::sort(rates.begin(), rates.end(), [](const ItemRate& a, const ItemRate& b) { return a.item < b.item; });
  MG_CHECK(!rates.empty(), ConfigError, key, " is empty, expected at least one resource. Remove the system instead.");
  return rates;
}

RegenerationRules Compile(const RegenerationConfig& config, const Names& names) {
  const std::string key = "systems.regeneration";
  RegenerationRules rules;
  rules.amounts = names.Resolve(key + ".amounts", config.amounts, 1);
  MG_CHECK(!rules.amounts.empty(), ConfigError, key,
           ".amounts is empty, expected at least one resource. Remove the system instead.");
  rules.interval = static_cast<std::uint32_t>(Ranged(key + ".interval", config.interval, 1, kMaxTicks));
  return rules;
}

UpkeepRules Compile(const UpkeepConfig& config, const Names& names) {
  const std::string key = "systems.upkeep";
  UpkeepRules rules;
  rules.prices = Rates(key + ".resources", config.resources, kMaxAmount, names);
  rules.unpaid = names.stats.Add("upkeep.unpaid");
  if (config.on_shortage == "freeze") {
    rules.on_shortage = OnShortage::kFreeze;
  } else if (config.on_shortage == "die") {
    rules.on_shortage = OnShortage::kDie;
  } else {
    MG_CHECK(config.on_shortage == "none", ConfigError, key, ".on_shortage='", config.on_shortage,
             "', expected 'none', 'freeze' or 'die'.");
  }
  return rules;
}

std::vector<bool> ClippedTypes(const std::vector<std::string>& names, const std::string& key, const GameProgram& game) {
  std::vector<bool> clips;
  for (const ObjectType& type : game.object_types) clips.push_back(names.empty() && KindOf(type).clippable);
  for (const std::string& name : names) {
    const auto found = std::find_if(game.object_types.begin(), game.object_types.end(),
                                    [&name](const ObjectType& type) { return type.name == name; });
    MG_CHECK(found != game.object_types.end() && KindOf(*found).clippable, ConfigError, key, " names the object '",
             name, "', which the game does not have or which has no recipe. Remove it.");
    clips[static_cast<std::size_t>(found - game.object_types.begin())] = true;
  }
  return clips;
}

ClipperRules Compile(const ClipperConfig& config, const Names& names, const GameProgram& game) {
  const std::string key = "systems.clipper";
  ClipperRules rules;
  rules.enabled = true;
  rules.clips = ClippedTypes(config.objects, key + ".objects", game);
  MG_CHECK(config.rate >= 0.0 && config.rate <= 1.0, ConfigError, key, ".rate=", config.rate, ", expected 0 .. 1.");
  rules.rate = static_cast<std::uint64_t>(config.rate * kWhole + 0.5);
  rules.period = static_cast<std::uint32_t>(Ranged(key + ".period", config.period, 0, kMaxTicks));
  MG_CHECK((rules.rate > 0) != (rules.period > 0), ConfigError, key, ".rate=", config.rate, " and ", key,
           ".period=", config.period, ", expected exactly one above 0.");
  rules.length_scale = static_cast<std::uint32_t>(Ranged(key + ".length_scale", config.length_scale, 0, kMaxSide));
  rules.cutoff = static_cast<std::uint32_t>(Ranged(key + ".cutoff", config.cutoff, 0, 15));
  rules.payments = names.Resolve(key + ".unclipping_resources", config.unclipping_resources, 1);
  rules.unclipped = names.stats.Add("clipper.unclipped");
  return rules;
}

std::size_t PileType(const HealthConfig& config, const GameProgram& game) {
  const auto found =
      std::find_if(game.object_types.begin(), game.object_types.end(), [&config](const ObjectType& type) {
        return type.name == config.pile && std::holds_alternative<PileRules>(type.rules);
      });
  MG_CHECK(found != game.object_types.end(), ConfigError, "systems.health.pile='", config.pile,
           "', expected an object of type 'pile', which on_death='drop' leaves behind. Add it to objects.");
  return static_cast<std::size_t>(found - game.object_types.begin());
}

HealthRules Compile(const HealthConfig& config, const Names& names, const GameProgram& game) {
  const std::string key = "systems.health";
  HealthRules rules;
  rules.enabled = true;
  rules.hp = names.Item(key + ".resource", config.resource);
  rules.damage = static_cast<Amount>(Ranged(key + ".damage", config.damage, 0, kMaxAmount));
  rules.freezes = config.freezes;
  if (config.on_death == "drop") {
    rules.on_death = OnDeath::kDrop;
    rules.pile = PileType(config, game);
  } else {
    MG_CHECK(config.on_death == "lose" || config.on_death == "keep", ConfigError, key, ".on_death='", config.on_death,
             "', expected 'lose', 'keep' or 'drop'.");
    rules.on_death = config.on_death == "lose" ? OnDeath::kLose : OnDeath::kKeep;
  }
  if (config.respawn_ticks) {
    rules.respawn_ticks =
        static_cast<std::uint32_t>(Ranged(key + ".respawn_ticks", *config.respawn_ticks, 1, kMaxTicks));
  }
  MG_CHECK(config.respawn_at == "start" || config.respawn_at == "anywhere", ConfigError, key, ".respawn_at='",
           config.respawn_at, "', expected 'start' or 'anywhere'.");
  rules.respawns_at_start = config.respawn_at == "start";
  rules.restocks = config.restock;
  rules.deaths = names.stats.Add("health.deaths");
  rules.kills = names.stats.Add("health.kills");
  return rules;
}

std::vector<std::uint32_t> Steps(const std::string& key, const std::vector<std::int64_t>& config) {
  std::vector<std::uint32_t> steps;
  for (const std::int64_t step : config) {
    const std::string entry = key + "[" + std::to_string(steps.size()) + "]";
    steps.push_back(static_cast<std::uint32_t>(Ranged(entry, step, 1, std::numeric_limits<std::int32_t>::max())));
  }
  return steps;
}

PopulationRules Compile(const PopulationConfig& config, const Names& names, std::int64_t num_agents) {
  const std::string key = "systems.population";
  PopulationRules rules;
  rules.enabled = true;
  rules.initial_agents = static_cast<std::uint32_t>(
      Ranged(key + ".initial_agents", config.initial_agents.value_or(num_agents), 0, num_agents));
  rules.enter_steps = Steps(key + ".enter_steps", config.enter_steps);
  const std::size_t waiting = static_cast<std::size_t>(num_agents) - rules.initial_agents;
  MG_CHECK(rules.enter_steps.size() <= waiting, ConfigError, key, ".enter_steps has ", rules.enter_steps.size(),
           " entries, but ", waiting, " agents wait to enter. Lower ", key, ".initial_agents.");
  MG_CHECK(config.enter_rate >= 0.0 && config.enter_rate <= 1.0, ConfigError, key, ".enter_rate=", config.enter_rate,
           ", expected 0 .. 1.");
  rules.enter_rate = static_cast<std::uint64_t>(config.enter_rate * kWhole + 0.5);
  rules.leave_steps = Steps(key + ".leave_steps", config.leave_steps);
  std::sort(rules.leave_steps.begin(), rules.leave_steps.end());
  if (config.stay) {
    rules.stay =
        static_cast<std::uint32_t>(Ranged(key + ".stay", *config.stay, 1, std::numeric_limits<std::int32_t>::max()));
  }
  rules.goal = names.Resolve(key + ".goal", config.goal, 1);
  return rules;
}

}  // namespace

void CompileSystems(const SystemsConfig& config, const Names& names, GameProgram& game) {
  SystemRules& rules = game.systems;
  if (config.resource_loss) {
    rules.resource_loss.shares =
        Rates("systems.resource_loss.probability", config.resource_loss->probability, 1.0, names);
  }
  if (config.regeneration) rules.regeneration = Compile(*config.regeneration, names);
  if (config.upkeep) rules.upkeep = Compile(*config.upkeep, names);
  if (config.clipper) rules.clipper = Compile(*config.clipper, names, game);
  if (config.health) rules.health = Compile(*config.health, names, game);
  if (config.population) rules.population = Compile(*config.population, names, game.num_agents);
  MG_CHECK(rules.upkeep.on_shortage != OnShortage::kDie || rules.health.enabled, ConfigError,
           "systems.upkeep.on_shortage='die', but agents have no hit points. Set systems.health.");
}

void FitAgentsToSystems(GameProgram& game) {
  const HealthRules& health = game.systems.health;
  if (!health.enabled) return;
  for (std::size_t group = 0; group < game.agent_rules.size(); ++group) {
    AgentRules& rules = game.agent_rules[group];
    const auto& start = rules.initial_inventory;
    MG_CHECK(std::any_of(start.begin(), start.end(),
                         [&health](const ItemAmount& entry) { return entry.item == health.hp && entry.amount > 0; }),
             ConfigError, "systems.health: agents of group '", game.group_names[group], "' start without '",
             game.resource_names[health.hp.index()], "' and would die at once. Set agent.initial_inventory.",
             game.resource_names[health.hp.index()], ".");
    rules.soul_bound[health.hp.index()] = true;  // neither loot nor lost with the rest
  }
}

}  // namespace mettagrid
