#include "mettagrid/objects/chest.h"

#include <algorithm>

#include "mettagrid/core/check.h"
#include "mettagrid/objects/positions.h"

namespace mettagrid {
namespace {

using Transfer = ChestRules::Transfer;

enum class Direction : std::uint8_t { kBoth, kIn, kOut };

// Place in kPositions where the agent stands, seen from the chest; none: 8.
std::size_t SideOf(const World& world, AgentId agent, ObjectId chest) {
  for (std::size_t i = 0; i < kPositions.size(); ++i) {
    const std::int32_t offset = world.program->ahead[static_cast<std::size_t>(kPositions[i].side)];
    const auto cell = static_cast<CellIndex>(static_cast<std::int32_t>(world.objects.cell[chest.index()]) + offset);
    if (world.agents.cell[agent.index()] == cell) return i;
  }
  return kPositions.size();
}

// What an agent may move, into the chest first.
struct Moves {
  std::array<Transfer, 2> by_side{};
  std::span<const Transfer> transfers;
  bool first_only = false;  // a side that does both: taking out what was just put in would be nothing

  Moves(const World& world, AgentId agent, ObjectId chest, const ChestRules& rules) {
    const std::uint8_t glyph = world.agents.glyph[agent.index()];
    for (const auto& entry : rules.by_glyph) {
      if (entry.glyph != glyph) continue;
      transfers = entry.transfers;
      return;
    }
    const std::size_t side = SideOf(world, agent, chest);
    std::size_t count = 0;
    if ((rules.deposit_from >> side & 1) != 0) by_side[count++] = {0, rules.amount};
    if ((rules.withdraw_from >> side & 1) != 0) by_side[count++] = {0, -rules.amount};
    transfers = std::span(by_side).first(count);
    first_only = true;
  }
  Moves(const Moves&) = delete;
  Moves& operator=(const Moves&) = delete;
};

bool Wanted(const Transfer& transfer, Direction direction) {
  return direction == Direction::kBoth || (direction == Direction::kIn) == (transfer.amount > 0);
}

void Start(const World& world, ObjectId chest) {
  const auto& rules = RulesOf<ChestRules>(world, chest);
  world.Inventory(chest)[rules.items[0].index()] = rules.initial;
  world.Memory(chest)[0] = rules.initial;
}

// Room that others make in this step, and units that they bring, count from the next step on, as an agent's do. So the
// chest remembers what it held when the step began.
int Move(const World& world, AgentId agent, ObjectId chest, const Transfer& transfer,
         std::span<const Amount> reserved) {
  const auto& rules = RulesOf<ChestRules>(world, chest);
  const ItemId item = rules.items[transfer.slot];
  Amount& stock = world.Inventory(chest)[item.index()];
  const int before = world.Memory(chest)[transfer.slot];
  if (transfer.amount > 0) {
    const int room = rules.limit - std::max<int>(stock, before);
    const int units = std::min({transfer.amount, world.Spendable(agent, item) - reserved[item.index()], room});
    if (units <= 0) return 0;
    world.Lose(agent, item, static_cast<Amount>(units));
    stock = static_cast<Amount>(stock + units);
    world.Count(agent, rules.deposited, units);
    return units;
  }
  const int units = std::min({-transfer.amount, std::min<int>(stock, before), int{world.Room(agent, item)}});
  if (units <= 0) return 0;
  stock = static_cast<Amount>(stock - units);
  world.Gain(agent, item, static_cast<Amount>(units));
  world.Count(agent, rules.withdrawn, units);
  return units;
}

template <Direction kDirection>
Outcome Use(const World& world, AgentId agent, ObjectId chest, std::span<const Amount> reserved) {
  const auto& rules = RulesOf<ChestRules>(world, chest);
  const Moves moves(world, agent, chest, rules);
  int moved = 0;
  for (const Transfer& transfer : moves.transfers) {
    if (Wanted(transfer, kDirection)) moved += Move(world, agent, chest, transfer, reserved);
    if (moved > 0 && moves.first_only) break;
  }
  if (moved == 0) return Outcome::kNothingMoved;
  world.Count(agent, rules.used);
  world.Touch(chest);
  return Outcome::kDone;
}

template <Direction kDirection>
bool CanUse(const World& world, AgentId agent, ObjectId chest, std::span<const Amount> reserved) {
  const auto& rules = RulesOf<ChestRules>(world, chest);
  const Moves moves(world, agent, chest, rules);
  return std::any_of(moves.transfers.begin(), moves.transfers.end(), [&](const Transfer& transfer) {
    if (!Wanted(transfer, kDirection)) return false;
    const ItemId item = rules.items[transfer.slot];
    const Amount stock = world.Inventory(chest)[item.index()];
    if (transfer.amount > 0)
      return stock < rules.limit && world.Inventory(agent)[item.index()] > reserved[item.index()];
    return stock > 0 && world.RoomNow(agent, item) > 0;
  });
}

bool Tick(const World& world, ObjectId chest, std::uint32_t) {
  const auto& items = RulesOf<ChestRules>(world, chest).items;
  for (std::size_t slot = 0; slot < items.size(); ++slot) {
    world.Memory(chest)[slot] = world.Inventory(chest)[items[slot].index()];
  }
  return false;
}

void Encode(const World& world, ObjectId chest, TokenRun& run) {
  const auto stock = world.Inventory(chest);
  for (const ItemId item : world.program->TypeOf(chest).shown_items) run.AddItem(item.index(), stock[item.index()]);
}

std::size_t MaxTokens(const ObjectType& type) { return type.shown_items.size(); }

std::string Sides(std::uint8_t set) {
  std::string text;
  for (std::size_t i = 0; i < kPositions.size(); ++i) {
    if ((set >> i & 1) != 0) text.append(text.empty() ? "" : " ").append(kPositions[i].name);
  }
  return text;
}

void Describe(const World& world, ObjectId chest, Description& out) {
  const auto& rules = RulesOf<ChestRules>(world, chest);
  out.AddNumber("limit", rules.limit);
  out.AddNumber("amount", rules.amount);
  out.Add("deposit_positions", Sides(rules.deposit_from));
  out.Add("withdrawal_positions", Sides(rules.withdraw_from));
}

std::size_t SlotOf(ItemId item, std::vector<ItemId>& items) {
  const auto found = std::find(items.begin(), items.end(), item);
  if (found != items.end()) return static_cast<std::size_t>(found - items.begin());
  items.push_back(item);
  return items.size() - 1;
}

void CompileGlyphs(const ChestConfig& config, const std::string& key, const Names& names, ChestRules& rules) {
  for (const GlyphTransferConfig& entry : config.glyph_transfers) {
    const std::string where = key + ".glyph_transfers";
    auto& transfer = rules.by_glyph.emplace_back();
    transfer.glyph = static_cast<std::uint8_t>(Ranged(where + ".glyph", entry.glyph, 1, 255));
    for (const auto& [name, amount] : entry.amounts) {
      const auto units = Ranged(where + "." + name, amount, -std::int64_t{kMaxAmount}, kMaxAmount);
      transfer.transfers.push_back({SlotOf(names.Item(where, name), rules.items), static_cast<std::int32_t>(units)});
    }
    std::ranges::sort(transfer.transfers, {}, [&rules](const auto& entry) { return rules.items[entry.slot]; });
  }
}

}  // namespace

const ObjectKind kChestKind = {
    .start = Start,
    .use = Use<Direction::kBoth>,
    .can_use = CanUse<Direction::kBoth>,
    .put = Use<Direction::kIn>,
    .can_put = CanUse<Direction::kIn>,
    .get = Use<Direction::kOut>,
    .can_get = CanUse<Direction::kOut>,
    .tick = Tick,
    .encode = Encode,
    .max_tokens = MaxTokens,
    .describe = Describe,
};

void Compile(const ChestConfig& config, const std::string& key, const Names& names, ObjectType& type) {
  ChestRules rules;
  rules.items = {names.Item(key + ".resource", config.resource)};
  rules.amount = static_cast<Amount>(Ranged(key + ".amount", config.amount, 1, kMaxAmount));
  rules.limit = static_cast<Amount>(Ranged(key + ".limit", config.limit, 1, kMaxAmount));
  rules.initial = static_cast<Amount>(Ranged(key + ".initial", config.initial, 0, rules.limit));
  rules.deposit_from = PositionSet(key + ".deposit_positions", config.deposit_positions);
  rules.withdraw_from = PositionSet(key + ".withdrawal_positions", config.withdrawal_positions);
  CompileGlyphs(config, key, names, rules);
  const std::string prefix = "object." + type.name;
  rules.used = names.stats.Add(prefix + ".used");
  rules.deposited = names.stats.Add(prefix + ".deposited");
  rules.withdrawn = names.stats.Add(prefix + ".withdrawn");
  type.memory_words = rules.items.size();
  type.shown_items = rules.items;
  std::sort(type.shown_items.begin(), type.shown_items.end());
  type.rules = std::move(rules);
}

}  // namespace mettagrid
