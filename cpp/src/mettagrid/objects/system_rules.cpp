#include "mettagrid/objects/system_rules.h"

#include <algorithm>

#include "mettagrid/core/check.h"

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
  } else {
    MG_CHECK(config.on_shortage == "none", ConfigError, key, ".on_shortage='", config.on_shortage,
             "', expected 'none' or 'freeze'.");
  }
  return rules;
}

}  // namespace

SystemRules CompileSystems(const SystemsConfig& config, const Names& names) {
  SystemRules rules;
  if (config.resource_loss) {
    rules.resource_loss.shares =
        Rates("systems.resource_loss.probability", config.resource_loss->probability, 1.0, names);
  }
  if (config.regeneration) rules.regeneration = Compile(*config.regeneration, names);
  if (config.upkeep) rules.upkeep = Compile(*config.upkeep, names);
  return rules;
}

}  // namespace mettagrid
