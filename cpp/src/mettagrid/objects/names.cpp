#include "mettagrid/objects/names.h"

#include <algorithm>

#include "mettagrid/core/check.h"

namespace mettagrid {

std::int64_t Ranged(const std::string& key, std::int64_t value, std::int64_t least, std::int64_t most) {
  MG_CHECK(value >= least && value <= most, ConfigError, key, "=", value, ", expected ", least, " .. ", most, ".");
  return value;
}

ItemId Names::Item(const std::string& key, const std::string& name) const {
  const auto found = std::find(resources.begin(), resources.end(), name);
  MG_CHECK(found != resources.end(), ConfigError, key, " names the resource '", name,
           "', which resource_names does not declare.");
  return ItemId(found - resources.begin());
}

std::uint16_t Names::Stat(const std::string& key, const std::string& name) const {
  const auto& known = stats.names();
  const auto found = std::find(known.begin(), known.end(), name);
  MG_CHECK(found != known.end(), ConfigError, key, " names the statistic '", name,
           "', which no agent keeps; expected for example 'action.move.success'.");
  return static_cast<std::uint16_t>(found - known.begin());
}

std::vector<ItemAmount> Names::Resolve(const std::string& key, const Amounts& amounts, std::int64_t least) const {
  std::vector<ItemAmount> resolved;
  for (const auto& [name, amount] : amounts) {
    resolved.push_back({Item(key, name), static_cast<Amount>(Ranged(key + "." + name, amount, least, kMaxAmount))});
  }
  std::sort(resolved.begin(), resolved.end(), [](const ItemAmount& a, const ItemAmount& b) { return a.item < b.item; });
  const auto twice = std::adjacent_find(resolved.begin(), resolved.end(),
                                        [](const ItemAmount& a, const ItemAmount& b) { return a.item == b.item; });
  MG_CHECK(twice == resolved.end(), ConfigError, key, " names the resource '", resources[twice->item.index()],
           "' twice, expected once: what is held is checked entry by entry. Add the amounts up.");
  return resolved;
}

}  // namespace mettagrid
