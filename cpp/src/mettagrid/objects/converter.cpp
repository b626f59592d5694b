#include "mettagrid/objects/converter.h"

#include <algorithm>
#include <limits>

#include "mettagrid/core/check.h"

namespace mettagrid {
namespace {

int AmountOf(std::span<const ItemAmount> amounts, ItemId item) {
  for (const ItemAmount& entry : amounts) {
    if (entry.item == item) return entry.amount;
  }
  return 0;
}

// Whether a conversion starts, when the outputs of one that just finished are counted in.
bool CanStart(const World& world, ObjectId converter, const ConverterRules& rules, bool finished) {
  if (world.objects.left[converter.index()] == 0) return false;
  const auto held = world.Inventory(converter);
  int outputs_held = 0;
  for (const ItemAmount& output : rules.outputs) {
    const int amount = held[output.item.index()] + (finished ? output.amount : 0);
    if (amount + output.amount > kMaxAmount) return false;
    outputs_held += amount;
  }
  if (rules.max_output >= 0 && outputs_held >= rules.max_output) return false;
  return world.Holds(converter, rules.inputs);
}

void Start(const World& world, ObjectId converter) {
  const auto& rules = RulesOf<ConverterRules>(world, converter);
  world.objects.left[converter.index()] = rules.max_conversions;
  for (const ItemAmount& output : rules.outputs) {
    world.Inventory(converter)[output.item.index()] = rules.initial_amount;
  }
}

// `price`: what the use costs, kept back beside `reserved`. put_items and get_items pay none.
using Price = std::span<const ItemAmount>;

int PutInputs(const World& world, AgentId agent, ObjectId converter, std::span<const Amount> reserved,
              Price price = {}) {
  const auto stock = world.Inventory(converter);
  int moved = 0;
  for (const ItemAmount& input : RulesOf<ConverterRules>(world, converter).inputs) {
    const std::size_t item = input.item.index();
    const int kept = reserved[item] + AmountOf(price, input.item);
    const int put = std::min(input.amount - stock[item], world.Spendable(agent, input.item) - kept);
    if (put <= 0) continue;
    world.Lose(agent, input.item, static_cast<Amount>(put));
    stock[item] = static_cast<Amount>(stock[item] + put);
    moved += put;
  }
  return moved;
}

int TakeOutputs(const World& world, AgentId agent, ObjectId converter) {
  const auto stock = world.Inventory(converter);
  int moved = 0;
  for (const ItemAmount& output : RulesOf<ConverterRules>(world, converter).outputs) {
    const std::size_t item = output.item.index();
    const Amount taken = std::min(stock[item], world.Room(agent, output.item));
    if (taken == 0) continue;
    world.Gain(agent, output.item, taken);
    stock[item] = static_cast<Amount>(stock[item] - taken);
    moved += taken;
  }
  return moved;
}

Outcome Touched(const World& world, ObjectId converter, int moved) {
  if (moved == 0) return Outcome::kNothingMoved;
  world.Touch(converter);
  return Outcome::kDone;
}

Outcome Put(const World& world, AgentId agent, ObjectId converter, std::span<const Amount> reserved) {
  return Touched(world, converter, PutInputs(world, agent, converter, reserved));
}

Outcome Get(const World& world, AgentId agent, ObjectId converter, std::span<const Amount>) {
  return Touched(world, converter, TakeOutputs(world, agent, converter));
}

Outcome Use(const World& world, AgentId agent, ObjectId converter, std::span<const Amount> reserved) {
  const Price price = RulesOf<ConverterRules>(world, converter).use_cost;
  for (const ItemAmount& entry : price) {
    if (world.Spendable(agent, entry.item) < reserved[entry.item.index()] + entry.amount) {
      return Outcome::kCannotAfford;
    }
  }
  const int put = PutInputs(world, agent, converter, reserved, price);
  const Outcome outcome = Touched(world, converter, put + TakeOutputs(world, agent, converter));
  if (outcome == Outcome::kDone) world.Pay(agent, price);
  return outcome;
}

// What the timed events before the next actions will do.
ConverterChange Upcoming(const World& world, ObjectId converter) {
  return world.IsAwake(converter) ? NextChange(world, converter, world.header().step + 1) : ConverterChange{};
}

// Conversions start before the actions, so needs and offers only shrink within a step.
bool Lacks(const World& world, AgentId agent, ObjectId converter, const ConverterChange& change,
           std::span<const Amount> reserved, Price price = {}) {
  const auto held = world.Inventory(agent);
  for (const ItemAmount& input : RulesOf<ConverterRules>(world, converter).inputs) {
    const std::size_t item = input.item.index();
    const int lack = input.amount - HeldAfter(world, converter, change, input.item);
    if (lack > 0 && held[item] > reserved[item] + AmountOf(price, input.item)) return true;
  }
  return false;
}

bool Offers(const World& world, AgentId agent, ObjectId converter, const ConverterChange& change) {
  for (const ItemAmount& output : RulesOf<ConverterRules>(world, converter).outputs) {
    if (world.RoomNow(agent, output.item) > 0 && HeldAfter(world, converter, change, output.item) > 0) return true;
  }
  return false;
}

bool CanPut(const World& world, AgentId agent, ObjectId converter, std::span<const Amount> reserved) {
  return Lacks(world, agent, converter, Upcoming(world, converter), reserved);
}

bool CanGet(const World& world, AgentId agent, ObjectId converter, std::span<const Amount>) {
  return Offers(world, agent, converter, Upcoming(world, converter));
}

bool CanUse(const World& world, AgentId agent, ObjectId converter, std::span<const Amount> reserved) {
  const Price price = RulesOf<ConverterRules>(world, converter).use_cost;
  for (const ItemAmount& entry : price) {
    const std::size_t item = entry.item.index();
    if (world.Inventory(agent)[item] < reserved[item] + entry.amount) return false;
  }
  const ConverterChange change = Upcoming(world, converter);
  return Lacks(world, agent, converter, change, reserved, price) || Offers(world, agent, converter, change);
}

// Idle and unable to start: nothing happens until an agent touches it.
bool Tick(const World& world, ObjectId converter, std::uint32_t now) {
  const ConverterChange change = NextChange(world, converter, now);
  const auto& rules = RulesOf<ConverterRules>(world, converter);
  const auto stock = world.Inventory(converter);
  if (change.finishes) {
    for (const ItemAmount& output : rules.outputs) {
      stock[output.item.index()] = static_cast<Amount>(stock[output.item.index()] + output.amount);
    }
  }
  if (change.starts) {
    for (const ItemAmount& input : rules.inputs) {
      stock[input.item.index()] = static_cast<Amount>(stock[input.item.index()] - input.amount);
    }
    if (rules.max_conversions >= 0) --world.objects.left[converter.index()];
  }
  world.objects.phase[converter.index()] = change.phase;
  world.objects.until[converter.index()] = change.until;
  return change.phase != ObjectPhase::kIdle;
}

void Encode(const World& world, ObjectId converter, TokenRun& run) {
  const ObjectPhase phase = world.objects.phase[converter.index()];
  if (phase == ObjectPhase::kConverting) run.Add(feature::kConverting, 1);
  if (phase == ObjectPhase::kCooling) {
    run.AddSaturating(feature::kCooldownRemaining, world.objects.until[converter.index()] - world.header().step);
  }
  const auto stock = world.Inventory(converter);
  for (const ItemId item : world.program->TypeOf(converter).shown_items) run.AddItem(item.index(), stock[item.index()]);
}

std::size_t MaxTokens(const ObjectType& type) { return 1 + type.shown_items.size(); }

void Describe(const World& world, ObjectId converter, Description& out) {
  const auto& rules = RulesOf<ConverterRules>(world, converter);
  const std::size_t i = converter.index();
  const ObjectPhase phase = world.objects.phase[i];
  const std::uint32_t left = world.objects.until[i] - world.header().step;
  out.Add("phase", std::string(phase == ObjectPhase::kIdle         ? "idle"
                               : phase == ObjectPhase::kConverting ? "converting"
                                                                   : "cooling"));
  out.AddNumber("conversion_remaining", phase == ObjectPhase::kConverting ? left : 0);
  out.AddNumber("cooldown_remaining", phase == ObjectPhase::kCooling ? left : 0);
  out.AddNumber("conversion_ticks", rules.conversion_ticks);
  out.AddNumber("cooldown", rules.cooldown);
  out.AddNumber("conversions_left", world.objects.left[i]);
  out.AddNumber("max_output", rules.max_output);
  out.AddRecipe("input_resources", rules.inputs);
  out.AddRecipe("output_resources", rules.outputs);
  if (!rules.use_cost.empty()) out.AddRecipe("use_cost", rules.use_cost);
}

}  // namespace

const ObjectKind kConverterKind = {
    .start = Start,
    .use = Use,
    .can_use = CanUse,
    .put = Put,
    .can_put = CanPut,
    .get = Get,
    .can_get = CanGet,
    .tick = Tick,
    .encode = Encode,
    .max_tokens = MaxTokens,
    .describe = Describe,
    .clippable = true,
};

ConverterChange NextChange(const World& world, ObjectId converter, std::uint32_t now) {
  const auto& rules = RulesOf<ConverterRules>(world, converter);
  ConverterChange change{.phase = world.objects.phase[converter.index()],
                         .until = world.objects.until[converter.index()]};
  if (change.phase == ObjectPhase::kConverting && now >= change.until) {
    change.finishes = true;
    change.phase = rules.cooldown > 0 ? ObjectPhase::kCooling : ObjectPhase::kIdle;
    change.until = now + rules.cooldown;
  } else if (change.phase == ObjectPhase::kCooling && now >= change.until) {
    change.phase = ObjectPhase::kIdle;
  }
  if (change.phase == ObjectPhase::kIdle && CanStart(world, converter, rules, change.finishes)) {
    change.starts = true;
    change.phase = ObjectPhase::kConverting;
    change.until = now + rules.conversion_ticks;
  }
  return change;
}

int HeldAfter(const World& world, ObjectId converter, const ConverterChange& change, ItemId item) {
  const auto& rules = RulesOf<ConverterRules>(world, converter);
  int held = world.Inventory(converter)[item.index()];
  if (change.finishes) held += AmountOf(rules.outputs, item);
  if (change.starts) held -= AmountOf(rules.inputs, item);
  return held;
}

void Compile(const ConverterConfig& config, const std::string& key, const Names& names, ObjectType& type) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  ConverterRules rules;
  rules.inputs = names.Resolve(key + ".input_resources", config.input_resources, 1);
  rules.outputs = names.Resolve(key + ".output_resources", config.output_resources, 1);
  rules.use_cost = names.Resolve(key + ".use_cost", config.use_cost, 1);
  for (const auto* amounts : {&rules.inputs, &rules.outputs}) {
    for (const ItemAmount& entry : *amounts) type.shown_items.push_back(entry.item);
  }
  std::sort(type.shown_items.begin(), type.shown_items.end());
  const auto repeated = std::adjacent_find(type.shown_items.begin(), type.shown_items.end());
  MG_CHECK(repeated == type.shown_items.end(), ConfigError, key, " has '", names.resources[repeated->index()],
           "' as input and output. Remove it from one of them.");
  rules.max_output = static_cast<std::int32_t>(Ranged(key + ".max_output", config.max_output, -1, kMaxAmount));
  rules.max_conversions =
      static_cast<std::int32_t>(Ranged(key + ".max_conversions", config.max_conversions, -1, kMost));
  rules.conversion_ticks =
      static_cast<std::uint32_t>(Ranged(key + ".conversion_ticks", config.conversion_ticks, 1, kMaxTicks));
  rules.cooldown = static_cast<std::uint32_t>(Ranged(key + ".cooldown", config.cooldown, 0, kMaxTicks));
  rules.initial_amount =
      static_cast<Amount>(Ranged(key + ".initial_resource_count", config.initial_resource_count, 0, kMaxAmount));
  type.rules = std::move(rules);
}

}  // namespace mettagrid
