#include <algorithm>
#include <array>
#include <string>

#include "mettagrid/core/check.h"
#include "mettagrid/objects/game_program.h"

namespace mettagrid {
namespace {

// Adds the families of a game in the order of ActionKind.
class ActionCompiler {
 public:
  ActionCompiler(const Names& names, GameProgram& game) : names_(names), game_(game) {}

  // `variants`: names of the flat actions; a family of one is called by its own name.
  ActionFamily& Add(ActionKind kind, const std::vector<std::string>& variants) {
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

  ActionFamily& Add(ActionKind kind, const std::vector<std::string>& variants, const ActionConfig& config) {
    ActionFamily& family = Add(kind, variants);
    SetCost(std::string("actions.") + kActionKindNames[static_cast<std::size_t>(kind)], config, family.cost);
    return family;
  }

 private:
  void SetCost(const std::string& key, const ActionConfig& config, ActionCost& cost) const {
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

  const Names& names_;
  GameProgram& game_;
};

std::vector<std::string> Directed(const std::string& prefix, const std::string& key, std::int64_t directions) {
  constexpr std::array<const char*, kNumOrientations> kNames = {"north",     "south",     "west",      "east",
                                                                "northwest", "northeast", "southwest", "southeast"};
  MG_CHECK(directions == 4 || directions == 8, ConfigError, key, "=", directions, ", expected 4 or 8.");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < static_cast<std::size_t>(directions); ++i) names.push_back(prefix + kNames[i]);
  return names;
}

void CompileMove(const MoveConfig& config, ActionCompiler& compiler, GameProgram& game) {
  if (!config.enabled) return;
  compiler.Add(ActionKind::kMove, Directed("move_", "actions.move.directions", config.directions), config);
  game.move.uses_objects = config.uses_objects;
}

void CompileRotate(const RotateConfig& config, ActionCompiler& compiler) {
  if (!config.enabled) return;
  compiler.Add(ActionKind::kRotate, Directed("rotate_", "actions.rotate.directions", config.directions), config);
}

// One statistic per resource; returns the first slot.
std::uint16_t CountEach(const Names& names, const std::string& before, const std::string& after) {
  const auto first = static_cast<std::uint16_t>(names.stats.size());
  for (const std::string& resource : names.resources) names.stats.Add(before + resource + after);
  return first;
}

void CompileHandling(const ActionsConfig& config, const Names& names, ActionCompiler& compiler, GameProgram& game) {
  if (config.put_items.enabled) {
    compiler.Add(ActionKind::kPutItems, {"put_items"}, config.put_items);
    game.handling.first_put = CountEach(names, "", ".put");
  }
  if (config.get_items.enabled) {
    compiler.Add(ActionKind::kGetItems, {"get_items"}, config.get_items);
    game.handling.first_got = CountEach(names, "", ".get");
  }
}

// The 3x3 ahead is seen along a cardinal as (steps forward, steps to the left), along a diagonal as (steps along its
// counter-clockwise cardinal, steps along its clockwise one).
void CompileOffsets(GameProgram& game) {
  const auto stride = static_cast<std::int32_t>(game.map.stride());
  game.ahead = {-stride, stride, -1, 1, -stride - 1, -stride + 1, stride - 1, stride + 1};
  constexpr std::array<std::size_t, kNumCardinals> kLeft = {2, 3, 1, 0};
  constexpr std::int32_t kStraight[kNumAttackCells][2] = {{1, 0},  {1, 1}, {1, -1}, {2, 0}, {2, 1},
                                                          {2, -1}, {3, 0}, {3, 1},  {3, -1}};
  constexpr std::int32_t kSlanted[kNumAttackCells][2] = {{1, 1}, {2, 1}, {1, 2}, {2, 2}, {3, 1},
                                                         {1, 3}, {3, 2}, {2, 3}, {3, 3}};
  for (std::size_t facing = 0; facing < kNumOrientations; ++facing) {
    const bool slanted = facing >= kNumCardinals;
    const std::int32_t first = game.ahead[slanted ? kCounterClockwise[facing - kNumCardinals] : facing];
    const std::int32_t second = game.ahead[slanted ? kClockwise[facing - kNumCardinals] : kLeft[facing]];
    for (std::size_t cell = 0; cell < kNumAttackCells; ++cell) {
      const auto& steps = slanted ? kSlanted[cell] : kStraight[cell];
      game.attack.offsets[facing][cell] = steps[0] * first + steps[1] * second;
    }
  }
}

void CompileAttack(const AttackConfig& config, const Names& names, ActionCompiler& compiler, GameProgram& game) {
  if (!config.enabled) return;
  std::vector<std::string> variants;
  for (std::size_t i = 0; i < kNumAttackCells; ++i) variants.push_back("attack_" + std::to_string(i));
  compiler.Add(ActionKind::kAttack, variants, config);
  game.attack.defense = names.Resolve("actions.attack.defense_resources", config.defense_resources, 1);
  game.attack.hit = names.stats.Add("attack.hit");
  game.attack.blocked = names.stats.Add("attack.blocked");
  game.attack.first_stolen = CountEach(names, "attack.stolen.", "");
}

}  // namespace

void CompileActions(const ActionsConfig& config, const Names& names, GameProgram& game) {
  CompileOffsets(game);
  ActionCompiler compiler(names, game);
  compiler.Add(ActionKind::kNoop, {"noop"});
  CompileMove(config.move, compiler, game);
  CompileRotate(config.rotate, compiler);
  CompileHandling(config, names, compiler, game);
  CompileAttack(config.attack, names, compiler, game);
}

}  // namespace mettagrid
