#include "mettagrid/objects/assembler.h"

#include <algorithm>
#include <limits>

#include "mettagrid/objects/neighbours.h"

namespace mettagrid {
namespace {

// World::Memory: the agents around when the step began, the recipe that is on + 1, and the length of the last cooldown.
constexpr std::size_t kRecipe = kPositions.size();
constexpr std::size_t kLastCooldown = kRecipe + 1;

// Whether an agent's means are judged in the middle of a step, or for the next one.
enum class Moment : std::uint8_t { kNow, kNext };

// How much of a recipe a use does: all of it, or in a cooldown what of that has passed.
struct Part {
  std::uint32_t passed = 1;
  std::uint32_t whole = 1;

  int Up(Amount amount) const { return static_cast<int>((std::uint64_t{amount} * passed + whole - 1) / whole); }
  int Down(Amount amount) const { return static_cast<int>(std::uint64_t{amount} * passed / whole); }
};

// One use, as far as it is decided before anything changes hands.
struct Use {
  const AssemblerRules& rules;
  const AssemblerRecipe& recipe;
  Part part;
  Party party;

  std::span<const AgentId> receivers() const {
    return rules.outputs_shared ? party.members() : party.members().first(1);
  }
};

std::size_t RecipeByGlyphs(const World& world, const AssemblerRules& rules, const Neighbours& around) {
  std::array<std::uint8_t, kPositions.size()> storage{};
  std::size_t shown = 0;
  for (const AgentId agent : around) {
    if (agent != kNobody && world.agents.glyph[agent.index()] > 0) {
      storage[shown++] = world.agents.glyph[agent.index()];
    }
  }
  // An insertion sort: eight at most, and std::sort's code for longer ranges makes gcc 12 warn about their bounds.
  for (std::size_t i = 1; i < shown; ++i) {
    for (std::size_t j = i; j > 0 && storage[j - 1] > storage[j]; --j) std::swap(storage[j - 1], storage[j]);
  }
  const std::span glyphs(storage.data(), shown);
  const std::size_t agents = CountAgents(around);
  std::size_t best = 0;
  const auto better = [&](std::size_t i) {
    if (best == 0) return true;
    const AssemblerRecipe& old = rules.recipes[best - 1];
    if (old.glyphs.size() != rules.recipes[i].glyphs.size()) return old.glyphs.empty();  // silence is the last resort
    return rules.recipes[i].min_agents > old.min_agents;
  };
  for (std::size_t i = 0; i < rules.recipes.size(); ++i) {
    const AssemblerRecipe& recipe = rules.recipes[i];
    const bool fits = recipe.glyphs.empty() || std::ranges::equal(recipe.glyphs, glyphs);
    if (fits && recipe.min_agents <= agents && better(i)) best = i + 1;
  }
  return best;
}

// Index + 1, or 0.
std::size_t RecipeFor(const World& world, const AssemblerRules& rules, const Neighbours& around) {
  if (rules.by_glyphs) return RecipeByGlyphs(world, rules, around);
  std::size_t occupied = 0;
  for (std::size_t i = 0; i < around.size(); ++i) occupied |= std::size_t{around[i] != kNobody} << i;
  return rules.by_positions[occupied];
}

bool IsSpent(const World& world, ObjectId assembler, const AssemblerRules& rules) {
  return rules.max_uses > 0 && world.objects.left[assembler.index()] >= rules.max_uses;
}

// What a use in step `now` does; passed = 0: nothing yet.
Part PartAt(const World& world, ObjectId assembler, const AssemblerRules& rules, std::uint32_t now) {
  const std::uint32_t until = world.objects.until[assembler.index()];
  if (now >= until) return {};
  if (!rules.allow_partial_usage) return {0, 1};
  const std::uint32_t whole = world.Memory(assembler)[kLastCooldown];
  return whole > until - now ? Part{whole - (until - now), whole} : Part{0, 1};
}

int Means(const World& world, AgentId agent, ItemId item, Moment moment) {
  return moment == Moment::kNow ? world.Spendable(agent, item) : world.Inventory(agent)[item.index()];
}

Shares CapsOf(const World& world, const Use& use, ItemId item, std::span<const Amount> reserved, Moment moment) {
  Shares caps{};
  const auto members = use.party.members();
  for (std::size_t i = 0; i < members.size(); ++i) {
    caps[i] = std::max(0, Means(world, members[i], item, moment) - (i == 0 ? reserved[item.index()] : 0));
  }
  return caps;
}

// Whether everybody together can pay, and somebody can hold some of what comes out.
bool IsPossible(const World& world, const Use& use, std::span<const Amount> reserved, Moment moment) {
  if (!use.party.has_user() || use.part.passed == 0) return false;
  for (const ItemAmount& input : use.recipe.inputs) {
    const Shares caps = CapsOf(world, use, input.item, reserved, moment);
    int together = 0;
    for (const int cap : caps) together += cap;
    if (together < use.part.Up(input.amount)) return false;
  }
  if (use.recipe.outputs.empty()) return true;
  return std::any_of(use.recipe.outputs.begin(), use.recipe.outputs.end(), [&](const ItemAmount& output) {
    if (use.part.Down(output.amount) == 0) return false;
    return std::ranges::any_of(use.receivers(), [&](AgentId agent) {
      return (moment == Moment::kNow ? world.Room(agent, output.item) : world.RoomNow(agent, output.item)) > 0;
    });
  });
}

void PayInputs(const World& world, const Use& use, std::span<const Amount> reserved) {
  const auto members = use.party.members();
  for (const ItemAmount& input : use.recipe.inputs) {
    const Shares caps = CapsOf(world, use, input.item, reserved, Moment::kNow);
    const std::span of_members(caps.data(), members.size());
    const int price = use.part.Up(input.amount);
    const Shares shares =
        use.rules.inputs_in_order ? SpreadInOrder(price, of_members) : SpreadEvenly(price, of_members);
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (shares[i] > 0) world.Lose(members[i], input.item, static_cast<Amount>(shares[i]));
    }
  }
}

// One unit each, again and again: what one member of a team takes may be no room for the next.
void GiveByUnits(const World& world, std::span<const AgentId> receivers, ItemId item, int units) {
  for (bool gave = true; gave;) {
    gave = false;
    for (const AgentId receiver : receivers) {
      if (units == 0) return;
      if (world.Room(receiver, item) == 0) continue;
      world.Gain(receiver, item, 1);
      --units;
      gave = true;
    }
  }
}

// What nobody has room for is not made.
void GiveOutputs(const World& world, const Use& use) {
  const auto receivers = use.receivers();
  const bool share_room =
      std::ranges::any_of(receivers, [&world](AgentId agent) { return !world.RulesOf(agent).shared_limits.empty(); });
  for (const ItemAmount& output : use.recipe.outputs) {
    const int units = use.part.Down(output.amount);
    if (share_room) {
      GiveByUnits(world, receivers, output.item, units);
      continue;
    }
    Shares caps{};
    for (std::size_t i = 0; i < receivers.size(); ++i) caps[i] = world.Room(receivers[i], output.item);
    const Shares shares = SpreadEvenly(units, std::span(caps.data(), receivers.size()));
    for (std::size_t i = 0; i < receivers.size(); ++i) {
      if (shares[i] > 0) world.Gain(receivers[i], output.item, static_cast<Amount>(shares[i]));
    }
  }
}

Use Plan(const World& world, AgentId user, ObjectId assembler, const Neighbours& around, std::size_t recipe,
         std::uint32_t now) {
  const auto& rules = RulesOf<AssemblerRules>(world, assembler);
  return Use{rules, rules.recipes[recipe - 1], PartAt(world, assembler, rules, now), Party(around, user)};
}

Outcome UseIt(const World& world, AgentId user, ObjectId assembler, std::span<const Amount> reserved) {
  const auto& rules = RulesOf<AssemblerRules>(world, assembler);
  std::uint16_t* const memory = world.Memory(assembler);
  const std::size_t recipe = memory[kRecipe];
  if (recipe == 0 || IsSpent(world, assembler, rules)) return Outcome::kNothingMoved;
  Neighbours around;
  for (std::size_t i = 0; i < around.size(); ++i) around[i] = AgentId(memory[i]);
  const std::uint32_t now = world.header().step;
  const Use use = Plan(world, user, assembler, around, recipe, now);
  if (!use.party.has_user()) return Outcome::kBlocked;
  if (!IsPossible(world, use, reserved, Moment::kNow)) return Outcome::kCannotAfford;
  PayInputs(world, use, reserved);
  GiveOutputs(world, use);
  std::int32_t& uses = world.objects.left[assembler.index()];
  const std::size_t tired = std::min(static_cast<std::size_t>(uses), rules.exhausted.size() - 1);
  const std::uint64_t cooldown = use.recipe.cooldown * rules.exhausted[tired] >> 16;
  memory[kLastCooldown] = static_cast<std::uint16_t>(std::min<std::uint64_t>(cooldown, kMaxTicks));
  world.objects.until[assembler.index()] = now + memory[kLastCooldown];
  if (uses < std::numeric_limits<std::int32_t>::max()) ++uses;
  world.Count(user, rules.used);
  world.Touch(assembler);
  return Outcome::kDone;
}

bool CanUse(const World& world, AgentId user, ObjectId assembler, std::span<const Amount> reserved) {
  const auto& rules = RulesOf<AssemblerRules>(world, assembler);
  if (IsSpent(world, assembler, rules)) return false;
  const Neighbours around = AgentsAround(world, assembler);
  const std::size_t recipe = RecipeFor(world, rules, around);
  if (recipe == 0) return false;
  const Use use = Plan(world, user, assembler, around, recipe, world.header().step + 1);
  if (!use.party.has_user()) return false;
  return IsPossible(world, use, reserved, Moment::kNext);
}

void Start(const World&, ObjectId) {}

// Always awake: agents come and go without touching it.
bool Tick(const World& world, ObjectId assembler, std::uint32_t now) {
  const Neighbours around = AgentsAround(world, assembler);
  std::uint16_t* const memory = world.Memory(assembler);
  for (std::size_t i = 0; i < around.size(); ++i) memory[i] = around[i].value;
  const auto& rules = RulesOf<AssemblerRules>(world, assembler);
  memory[kRecipe] = static_cast<std::uint16_t>(RecipeFor(world, rules, around));
  const bool rests = now < world.objects.until[assembler.index()];
  world.objects.phase[assembler.index()] = rests ? ObjectPhase::kCooling : ObjectPhase::kIdle;
  return true;
}

std::uint32_t CooldownLeft(const World& world, ObjectId assembler) {
  const std::uint32_t now = world.header().step;
  const std::uint32_t until = world.objects.until[assembler.index()];
  return until > now ? until - now : 0;
}

std::int32_t UsesLeft(const World& world, ObjectId assembler) {
  const auto& rules = RulesOf<AssemblerRules>(world, assembler);
  return std::max(0, rules.max_uses - world.objects.left[assembler.index()]);
}

void Encode(const World& world, ObjectId assembler, TokenRun& run) {
  if (const auto left = CooldownLeft(world, assembler); left > 0) run.AddSaturating(feature::kCooldownRemaining, left);
  if (RulesOf<AssemblerRules>(world, assembler).max_uses > 0) {
    run.AddSaturating(feature::kRemainingUses, static_cast<std::uint32_t>(UsesLeft(world, assembler)));
  }
}

std::size_t MaxTokens(const ObjectType&) { return 2; }

void Describe(const World& world, ObjectId assembler, Description& out) {
  const auto& rules = RulesOf<AssemblerRules>(world, assembler);
  const std::size_t recipe = RecipeFor(world, rules, AgentsAround(world, assembler));
  out.AddNumber("cooldown_remaining", CooldownLeft(world, assembler));
  out.AddNumber("uses", world.objects.left[assembler.index()]);
  out.AddNumber("max_uses", rules.max_uses);
  if (rules.max_uses > 0) out.AddNumber("remaining_uses", UsesLeft(world, assembler));
  out.AddNumber("current_recipe", static_cast<std::int64_t>(recipe) - 1);
  if (recipe == 0) return;
  out.AddRecipe("input_resources", rules.recipes[recipe - 1].inputs);
  out.AddRecipe("output_resources", rules.recipes[recipe - 1].outputs);
}

bool IsSoundAssembler(const World& world, ObjectId assembler) {
  std::uint16_t* const memory = world.Memory(assembler);
  const std::size_t agents = world.program->num_agents;
  return std::all_of(memory, memory + kPositions.size(),
                     [agents](std::uint16_t agent) { return agent == kNobody.value || agent < agents; }) &&
         memory[kRecipe] <= RulesOf<AssemblerRules>(world, assembler).recipes.size() &&
         world.objects.left[assembler.index()] >= 0;
}

}  // namespace

const ObjectKind kAssemblerKind = {
    .start = Start,
    .use = UseIt,
    .can_use = CanUse,
    .get = UseIt,
    .can_get = CanUse,
    .is_sound = IsSoundAssembler,
    .tick = Tick,
    .encode = Encode,
    .max_tokens = MaxTokens,
    .describe = Describe,
    .clippable = true,
};

}  // namespace mettagrid
