#include "mettagrid/objects/door.h"

#include "mettagrid/core/check.h"

namespace mettagrid {
namespace {

// ObjectColumns::mode. Phases of an open door: kConverting in the step in which it was opened, kCooling while its time
// runs, kIdle when it stays open.
constexpr std::uint8_t kClosed = 0;
constexpr std::uint8_t kOpen = 1;

bool IsOpen(const World& world, ObjectId door) { return world.objects.mode[door.index()] == kOpen; }

bool IsCovered(const World& world, ObjectId door) {
  return world.cells[world.objects.cell[door.index()]] != world.program->CodeOf(door);
}

// Whether the timed events of step `now` close it.
bool Closes(const World& world, ObjectId door, std::uint32_t now) {
  const bool has_end = RulesOf<DoorRules>(world, door).open_ticks > 0;
  return IsOpen(world, door) && has_end && now >= world.objects.until[door.index()] && !IsCovered(world, door);
}

// Open from step `now` on, for open_ticks steps.
void Open(const World& world, ObjectId door, std::uint32_t now) {
  world.objects.mode[door.index()] = kOpen;
  world.objects.until[door.index()] = now + RulesOf<DoorRules>(world, door).open_ticks;
}

void Start(const World& world, ObjectId door) {
  if (RulesOf<DoorRules>(world, door).starts_open) Open(world, door, 1);
}

Outcome Unlock(const World& world, AgentId agent, ObjectId door, std::span<const Amount> reserved) {
  if (IsOpen(world, door)) return Outcome::kBlocked;
  const auto& rules = RulesOf<DoorRules>(world, door);
  for (const ItemAmount& part : rules.key) {
    if (world.Spendable(agent, part.item) < reserved[part.item.index()] + part.amount) return Outcome::kCannotAfford;
  }
  if (rules.consumes_key) world.Pay(agent, rules.key);
  world.objects.phase[door.index()] = ObjectPhase::kConverting;
  Open(world, door, world.header().step + 1);
  world.Count(agent, rules.used);
  world.Touch(door);
  return Outcome::kDone;
}

bool CanUnlock(const World& world, AgentId agent, ObjectId door, std::span<const Amount> reserved) {
  if (IsOpen(world, door) && !Closes(world, door, world.header().step + 1)) return false;
  for (const ItemAmount& part : RulesOf<DoorRules>(world, door).key) {
    const std::size_t item = part.item.index();
    if (world.Inventory(agent)[item] < reserved[item] + part.amount) return false;
  }
  return true;
}

// Not in the step in which it is opened: whom the mask had sent away would get through.
bool LetsPass(const World& world, ObjectId door) {
  return IsOpen(world, door) && world.objects.phase[door.index()] != ObjectPhase::kConverting;
}

bool WillLetPass(const World& world, ObjectId door) {
  return IsOpen(world, door) && !Closes(world, door, world.header().step + 1);
}

bool IsOpaqueDoor(const World& world, ObjectId door) {
  return RulesOf<DoorRules>(world, door).opaque && !IsOpen(world, door);
}

bool Tick(const World& world, ObjectId door, std::uint32_t now) {
  ObjectPhase& phase = world.objects.phase[door.index()];
  if (Closes(world, door, now)) world.objects.mode[door.index()] = kClosed;
  const bool waits = IsOpen(world, door) && RulesOf<DoorRules>(world, door).open_ticks > 0;
  phase = waits ? ObjectPhase::kCooling : ObjectPhase::kIdle;
  return waits;
}

// Steps of passage that are left; 0: none, or without end.
std::uint32_t TimeLeft(const World& world, ObjectId door) {
  const std::uint32_t next = world.header().step + 1;
  const std::uint32_t until = world.objects.until[door.index()];
  const bool has_end = RulesOf<DoorRules>(world, door).open_ticks > 0;
  return IsOpen(world, door) && has_end && until > next ? until - next : 0;
}

void Encode(const World& world, ObjectId door, TokenRun& run) {
  if (IsOpen(world, door)) run.Add(feature::kOpen, 1);
  if (const std::uint32_t left = TimeLeft(world, door); left > 0) run.AddSaturating(feature::kCooldownRemaining, left);
}

std::size_t MaxTokens(const ObjectType&) { return 2; }

void Describe(const World& world, ObjectId door, Description& out) {
  const auto& rules = RulesOf<DoorRules>(world, door);
  out.Add("open", IsOpen(world, door));
  out.AddNumber("cooldown_remaining", TimeLeft(world, door));
  out.AddRecipe("key_resources", rules.key);
  out.Add("consumes_key", rules.consumes_key);
}

}  // namespace

const ObjectKind kDoorKind = {
    .start = Start,
    .use = Unlock,
    .can_use = CanUnlock,
    .put = Unlock,
    .can_put = CanUnlock,
    .lets_pass = LetsPass,
    .will_let_pass = WillLetPass,
    .tick = Tick,
    .encode = Encode,
    .max_tokens = MaxTokens,
    .describe = Describe,
    .is_opaque = IsOpaqueDoor,
};

void Compile(const DoorConfig& config, const std::string& key, const Names& names, ObjectType& type) {
  DoorRules rules;
  rules.key = names.Resolve(key + ".key_resources", config.key_resources, 1);
  rules.consumes_key = config.consumes_key;
  rules.open_ticks = static_cast<std::uint32_t>(Ranged(key + ".open_ticks", config.open_ticks, 0, kMaxTicks));
  rules.starts_open = config.starts_open;
  rules.opaque = config.opaque;
  rules.used = names.stats.Add("object." + type.name + ".used");
  type.on_floor = true;
  type.rules = std::move(rules);
}

}  // namespace mettagrid
