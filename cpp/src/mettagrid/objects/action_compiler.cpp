#include "mettagrid/objects/action_compiler.h"

#include <algorithm>

#include "mettagrid/core/check.h"

namespace mettagrid {

ActionFamily& ActionCompiler::Add(ActionKind kind, const std::vector<std::string>& variants) {
  ActionFamily& family = game_.families.emplace_back();
  const std::string name = kActionKindNames[static_cast<std::size_t>(kind)];
  family.kind = kind;
  family.first = static_cast<std::uint16_t>(game_.actions.size());
  family.count = static_cast<std::uint16_t>(variants.size());
  family.succeeded = names_.stats.Add("action." + name + ".success");
  family.failed = names_.stats.Add("action." + name + ".failed");
  family.cost.reserved.assign(names_.resources.size(), 0);
  for (std::size_t i = 0; i < variants.size(); ++i) {
    MG_CHECK(game_.actions.size() < kMaxActions, ConfigError, "actions: more than ", kMaxActions,
             " flat actions, from '", variants[i], "' on. Switch some of them off.");
    game_.actions.push_back(
        {variants[i], kind, static_cast<std::uint8_t>(game_.families.size() - 1), static_cast<std::uint8_t>(i)});
  }
  return family;
}

ActionFamily& ActionCompiler::Add(ActionKind kind, const std::vector<std::string>& variants,
                                  const ActionConfig& config) {
  ActionFamily& family = Add(kind, variants);
  SetCost(std::string("actions.") + kActionKindNames[static_cast<std::size_t>(kind)], config, family.cost);
  return family;
}

void ActionCompiler::SetCost(const std::string& key, const ActionConfig& config, ActionCost& cost) const {
  cost.needed = names_.Resolve(key + ".required_resources", config.required_resources, 0);
  for (const auto& [name, price] : config.consumed_resources) {
    const std::string where = key + ".consumed_resources";
    const ItemId item = names_.Item(where, name);
    MG_CHECK(price >= 0.0 && price <= kMaxAmount, ConfigError, where, ".", name, "=", price, ", expected 0 .. ",
             kMaxAmount, ".");
    const auto whole = static_cast<Amount>(price);
    const auto fraction = static_cast<std::uint32_t>((price - whole) * 4294967296.0);
    const auto ceiling = static_cast<Amount>(whole + (fraction > 0 ? 1 : 0));
    if (whole > 0) cost.consumed.push_back({item, whole});
    if (fraction > 0) cost.chances.push_back({item, fraction});
    cost.reserved[item.index()] = ceiling;
    const auto same = std::find_if(cost.needed.begin(), cost.needed.end(),
                                   [item](const ItemAmount& entry) { return entry.item == item; });
    if (same == cost.needed.end()) {
      cost.needed.push_back({item, ceiling});
    } else {
      same->amount = std::max(same->amount, ceiling);
    }
  }
}

}  // namespace mettagrid
