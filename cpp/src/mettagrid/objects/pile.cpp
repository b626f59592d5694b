#include "mettagrid/objects/pile.h"

#include <algorithm>

#include "mettagrid/core/check.h"

namespace mettagrid {
namespace {

void Start(const World&, ObjectId) {}

// What is left shrinks within a step, and the pile stays till the step's end: whom the mask sent away stays out.
Outcome Take(const World& world, AgentId agent, ObjectId pile, std::span<const Amount>) {
  const auto lying = world.Inventory(pile);
  bool took = false;
  for (std::size_t i = 0; i < lying.size(); ++i) {
    if (lying[i] == 0) continue;
    const Amount taken = std::min(lying[i], world.Room(agent, ItemId(i)));
    if (taken == 0) continue;
    lying[i] = static_cast<Amount>(lying[i] - taken);
    world.Gain(agent, ItemId(i), taken);
    took = true;
  }
  if (!took) return Outcome::kNothingMoved;
  world.Count(agent, RulesOf<PileRules>(world, pile).used);
  world.Touch(pile);
  return Outcome::kDone;
}

bool CanTake(const World& world, AgentId agent, ObjectId pile, std::span<const Amount>) {
  const auto lying = world.Inventory(pile);
  for (std::size_t i = 0; i < lying.size(); ++i) {
    if (lying[i] > 0 && world.RoomNow(agent, ItemId(i)) > 0) return true;
  }
  return false;
}

bool Tick(const World&, ObjectId, std::uint32_t) { return false; }

void Encode(const World& world, ObjectId pile, TokenRun& run) {
  const auto lying = world.Inventory(pile);
  for (std::size_t i = 0; i < lying.size(); ++i) run.AddItem(i, lying[i]);
}

std::size_t MaxTokens(const ObjectType& type) { return type.shown_items.size(); }

void Describe(const World&, ObjectId, Description&) {}

CellIndex NearestFreeCell(const World& world, CellIndex from) {
  if (world.cells[from] == kEmpty) return from;
  const MapPlan& map = world.program->map;
  const auto apart = [](std::uint32_t a, std::uint32_t b) { return a > b ? a - b : b - a; };
  CellIndex nearest = kNowhere;
  std::uint32_t least = 0xFFFFFFFF;
  for (CellIndex cell = 0; cell < map.num_cells(); ++cell) {
    if (world.cells[cell] != kEmpty) continue;
    const std::uint32_t distance =
        apart(map.RowOf(cell), map.RowOf(from)) + apart(map.ColumnOf(cell), map.ColumnOf(from));
    if (distance >= least) continue;
    least = distance;
    nearest = cell;
  }
  return nearest;
}

}  // namespace

const ObjectKind kPileKind = {
    .start = Start,
    .use = Take,
    .can_use = CanTake,
    .get = Take,
    .can_get = CanTake,
    .tick = Tick,
    .encode = Encode,
    .max_tokens = MaxTokens,
    .describe = Describe,
};

void Compile(const PileConfig& config, const std::string& key, const Names& names, ObjectType& type) {
  PileRules rules;
  const auto most = static_cast<std::int64_t>(kMaxAgents);
  if (config.capacity) type.spare = static_cast<std::uint16_t>(Ranged(key + ".capacity", *config.capacity, 1, most));
  type.spare_per_agent = config.capacity ? 0 : 1;
  rules.used = names.stats.Add("object." + type.name + ".used");
  rules.dropped = names.stats.Add("object." + type.name + ".dropped");
  rules.lost = names.stats.Add("object." + type.name + ".lost");
  for (std::size_t i = 0; i < names.resources.size(); ++i) type.shown_items.push_back(ItemId(i));
  type.rules = rules;
}

std::optional<ObjectId> LayPile(const World& world, const ObjectType& type, CellIndex cell) {
  const CellIndex* const first = world.objects.cell + type.first;
  const auto number = static_cast<std::size_t>(std::find(first, first + type.count, kNowhere) - first);
  if (number == type.count) return std::nullopt;
  const CellIndex place = NearestFreeCell(world, cell);
  if (place == kNowhere) return std::nullopt;
  const ObjectId pile(type.first + number);
  world.objects.cell[pile.index()] = place;
  world.Occupy(place, world.program->CodeOf(pile));
  world.Touch(pile);
  return pile;
}

void ClearPiles(const World& world, const ObjectType& type) {
  for (std::size_t i = type.first; i < std::size_t{type.first} + type.count; ++i) {
    CellIndex& cell = world.objects.cell[i];
    const auto lying = world.Inventory(ObjectId(i));
    if (cell == kNowhere || std::any_of(lying.begin(), lying.end(), [](Amount amount) { return amount > 0; })) continue;
    world.Vacate(cell);
    cell = kNowhere;
  }
}

}  // namespace mettagrid
