#include "mettagrid/objects/plant.h"

#include <algorithm>

#include "mettagrid/core/check.h"
#include "mettagrid/core/rng.h"

namespace mettagrid {
namespace {

constexpr std::int64_t kMaxRadius = 7;
constexpr double kCertain = 4294967296.0;  // 2^32

Amount& StockOf(const World& world, ObjectId plant) {
  return world.Inventory(plant)[RulesOf<PlantRules>(world, plant).item.index()];
}

// `until` is the first step in which a unit that grew on a bare patch counts: not before the actions of the next step,
// so that neither masks nor neighbours depend on the order of growth.
bool HasStock(const World& world, ObjectId plant, std::uint32_t now) {
  return StockOf(world, plant) > 0 && now >= world.objects.until[plant.index()];
}

void Start(const World& world, ObjectId plant) {
  StockOf(world, plant) = RulesOf<PlantRules>(world, plant).initial_stock;
}

Outcome Harvest(const World& world, AgentId agent, ObjectId plant, std::span<const Amount>) {
  const auto& rules = RulesOf<PlantRules>(world, plant);
  if (!HasStock(world, plant, world.header().step)) return Outcome::kNothingMoved;
  Amount& stock = StockOf(world, plant);
  const Amount taken = std::min({stock, rules.harvest, world.Room(agent, rules.item)});
  if (taken == 0) return Outcome::kNothingMoved;
  stock = static_cast<Amount>(stock - taken);
  world.Gain(agent, rules.item, taken);
  world.Count(agent, rules.used);
  world.Touch(plant);
  return Outcome::kDone;
}

// All stock that is there now can be taken in the next step; within a step it only shrinks.
bool CanHarvest(const World& world, AgentId agent, ObjectId plant, std::span<const Amount>) {
  return StockOf(world, plant) > 0 && world.RoomNow(agent, RulesOf<PlantRules>(world, plant).item) > 0;
}

std::size_t CountNeighbours(const World& world, ObjectId plant, std::uint32_t now) {
  const GameProgram& program = *world.program;
  const std::size_t type = program.type_of_object[plant.index()];
  const auto stride = static_cast<std::int32_t>(program.map.stride());
  const CellCode* const centre = world.cells + world.objects.cell[plant.index()];
  std::size_t count = 0;
  for (const PlantRules::Offset& offset : RulesOf<PlantRules>(world, plant).neighbourhood) {
    const CellCode code = centre[offset.rows * stride + offset.columns];
    if (!program.IsObject(code)) continue;
    const ObjectId other = program.ObjectOf(code);
    count += program.type_of_object[other.index()] == type && HasStock(world, other, now) ? 1 : 0;
  }
  return count;
}

bool Tick(const World& world, ObjectId plant, std::uint32_t now) {
  const auto& rules = RulesOf<PlantRules>(world, plant);
  Amount& stock = StockOf(world, plant);
  if (stock >= rules.max_stock) return false;
  const std::uint64_t chance = rules.growth[std::min(CountNeighbours(world, plant, now), rules.growth.size() - 1)];
  if (chance == 0) return true;
  const WorldHeader& header = world.header();
  RandomStream random(header.seed, header.env, header.episode, now, Purpose::kGrowth, plant.value);
  if (random.Next() >= chance) return true;
  if (stock == 0) world.objects.until[plant.index()] = now + 1;
  ++stock;
  return stock < rules.max_stock;
}

void Encode(const World& world, ObjectId plant, TokenRun& run) {
  run.AddItem(RulesOf<PlantRules>(world, plant).item.index(), StockOf(world, plant));
}

std::size_t MaxTokens(const ObjectType&) { return 1; }

void Describe(const World& world, ObjectId plant, Description& out) {
  const auto& rules = RulesOf<PlantRules>(world, plant);
  out.AddNumber("stock", StockOf(world, plant));
  out.AddNumber("max_stock", rules.max_stock);
  out.AddNumber("harvest", rules.harvest);
}

}  // namespace

const ObjectKind kPlantKind = {
    .start = Start,
    .use = Harvest,
    .can_use = CanHarvest,
    .get = Harvest,
    .can_get = CanHarvest,
    .tick = Tick,
    .encode = Encode,
    .max_tokens = MaxTokens,
    .describe = Describe,
};

void Compile(const PlantConfig& config, const std::string& key, const Names& names, ObjectType& type) {
  PlantRules rules;
  rules.item = names.Item(key + ".resource", config.resource);
  rules.max_stock = static_cast<Amount>(Ranged(key + ".max_stock", config.max_stock, 1, kMaxAmount));
  rules.initial_stock = static_cast<Amount>(Ranged(key + ".initial_stock", config.initial_stock, 0, rules.max_stock));
  rules.harvest = static_cast<Amount>(Ranged(key + ".harvest", config.harvest, 1, kMaxAmount));
  MG_CHECK(!config.growth.empty(), ConfigError, key,
           ".growth is empty, expected a chance for each number of neighbours.");
  for (const double chance : config.growth) {
    MG_CHECK(chance >= 0.0 && chance <= 1.0, ConfigError, key, ".growth has ", chance, ", expected chances 0 .. 1.");
    rules.growth.push_back(static_cast<std::uint64_t>(chance * kCertain));
  }
  const auto radius = static_cast<std::int32_t>(Ranged(key + ".radius", config.radius, 0, kMaxRadius));
  for (std::int32_t rows = -radius; rows <= radius; ++rows) {
    for (std::int32_t columns = -radius; columns <= radius; ++columns) {
      const std::int32_t square = rows * rows + columns * columns;
      if (square > 0 && square <= radius * radius) rules.neighbourhood.push_back({rows, columns});
    }
  }
  rules.used = names.stats.Add("object." + type.name + ".used");
  type.reach = static_cast<std::uint32_t>(radius);
  type.shown_items = {rules.item};
  type.rules = std::move(rules);
}

}  // namespace mettagrid
