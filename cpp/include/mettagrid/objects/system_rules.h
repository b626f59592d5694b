#pragma once

#include <cstdint>
#include <vector>

#include "mettagrid/config/systems_config.h"
#include "mettagrid/objects/action_table.h"
#include "mettagrid/objects/names.h"

namespace mettagrid {

// A share or an amount of one resource in 2^-32 units: 2^32 is the whole.
struct ItemRate {
  ItemId item;
  std::uint64_t rate;
};

struct ResourceLossRules {
  std::vector<ItemRate> shares;  // empty: off
};

struct RegenerationRules {
  std::vector<ItemAmount> amounts;
  std::uint32_t interval = 0;  // 0: off
};

enum class OnShortage : std::uint8_t { kNone, kFreeze };

struct UpkeepRules {
  std::vector<ItemRate> prices;  // empty: off
  OnShortage on_shortage = OnShortage::kNone;
  std::uint16_t unpaid = 0;  // stat slot
};

// World systems of a game, compiled; what is off costs nothing.
struct SystemRules {
  ResourceLossRules resource_loss;
  RegenerationRules regeneration;
  UpkeepRules upkeep;
};

// Throws ConfigError naming the key. Statistics are named in the order of the fields.
SystemRules CompileSystems(const SystemsConfig& config, const Names& names);

}  // namespace mettagrid
