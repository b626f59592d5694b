#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mettagrid/config/named.h"
#include "mettagrid/objects/action_table.h"
#include "mettagrid/objects/stat_slots.h"

namespace mettagrid {

// Throws ConfigError unless least <= value <= most.
std::int64_t Ranged(const std::string& key, std::int64_t value, std::int64_t least, std::int64_t most);

// What compiling a part of a game needs to know of the rest: names of resources, and the statistics so far.
struct Names {
  const std::vector<std::string>& resources;
  StatSlots& stats;

  // Throws ConfigError naming `key` when the game does not declare the resource.
  ItemId Item(const std::string& key, const std::string& name) const;
  // Slot of a statistic that agents keep; throws ConfigError naming `key`.
  std::uint16_t Stat(const std::string& key, const std::string& name) const;
  // In item order; amounts least .. kMaxAmount.
  std::vector<ItemAmount> Resolve(const std::string& key, const Amounts& amounts, std::int64_t least) const;
};

}  // namespace mettagrid
