#include <algorithm>
#include <array>
#include <string>

#include "mettagrid/core/check.h"
#include "mettagrid/objects/action_compiler.h"
#include "mettagrid/objects/game_program.h"

namespace mettagrid {
namespace {

std::vector<std::string> Directed(const std::string& prefix, const std::string& key, std::int64_t directions) {
  constexpr std::array<const char*, kNumOrientations> kNames = {"north",     "south",     "west",      "east",
                                                                "northwest", "northeast", "southwest", "southeast"};
  MG_CHECK(directions == 4 || directions == 8, ConfigError, key, "=", directions, ", expected 4 or 8.");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < static_cast<std::size_t>(directions); ++i) names.push_back(prefix + kNames[i]);
  return names;
}

std::vector<std::string> Numbered(const std::string& prefix, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(prefix + std::to_string(i));
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
  compiler.Add(ActionKind::kAttack, Numbered("attack_", kNumAttackCells), config);
  game.attack.damage = static_cast<Amount>(Ranged("actions.attack.damage", config.damage, 0, kMaxAmount));
  game.attack.defense = names.Resolve("actions.attack.defense_resources", config.defense_resources, 1);
  game.attack.hit = names.stats.Add("attack.hit");
  game.attack.blocked = names.stats.Add("attack.blocked");
  game.attack.first_stolen = CountEach(names, "attack.stolen.", "");
}

void CompileLooks(const ActionsConfig& config, ActionCompiler& compiler) {
  if (config.change_color.enabled) {
    compiler.Add(ActionKind::kChangeColor, Numbered("change_color_", 4), config.change_color);
  }
  if (config.change_glyph.enabled) {
    const auto glyphs = Ranged("actions.change_glyph.number_of_glyphs", config.change_glyph.number_of_glyphs, 1, 255);
    compiler.Add(ActionKind::kChangeGlyph, Numbered("change_glyph_", static_cast<std::size_t>(glyphs)),
                 config.change_glyph);
  }
}

void CompileSwap(const SwapConfig& config, const Names& names, ActionCompiler& compiler, GameProgram& game) {
  if (!config.enabled) return;
  compiler.Add(ActionKind::kSwap, {"swap"}, config);
  game.swap.first_swapped = names.stats.Add("action.swap.agent");
  for (const StaticType& type : game.statics) names.stats.Add("action.swap." + type.name);
  game.remembers_ahead = true;
}

void CompileShield(const ShieldConfig& config, const Names& names, ActionCompiler& compiler, GameProgram& game) {
  if (!config.enabled) return;
  compiler.Add(ActionKind::kShield, {"shield"}, config);
  game.has_shields = true;
  game.shield.resource = names.Item("actions.shield.resource", config.resource);
  game.shield.upkeep = static_cast<Amount>(Ranged("actions.shield.upkeep", config.upkeep, 0, kMaxAmount));
  game.shield.paid = names.stats.Add("shield.upkeep");
  game.shield.damage = names.stats.Add("shield.damage");
  game.shield.hit = names.stats.Add("attack.shielded");
}

void CompileGiving(const ActionsConfig& config, const Names& names, ActionCompiler& compiler, GameProgram& game) {
  if (config.share.enabled) {
    compiler.Add(ActionKind::kShare, {"share"}, config.share);
    for (const std::string& name : config.share.shareable_resources) {
      game.share.items.push_back(names.Item("actions.share.shareable_resources", name));
    }
    game.share.first_given = CountEach(names, "share.given.", "");
    game.remembers_ahead = true;
  }
  if (config.transfer.enabled) {
    std::vector<std::string> variants;
    for (const auto& [name, amount] : config.transfer.amounts) {
      const ItemId item = names.Item("actions.transfer.amounts", name);
      const auto units = Ranged("actions.transfer.amounts." + name, amount, 1, kMaxAmount);
      game.transfer.amounts.push_back({item, static_cast<Amount>(units)});
      variants.push_back("transfer_" + name);
    }
    MG_CHECK(!variants.empty(), ConfigError, "actions.transfer.amounts is empty, expected at least one resource.");
    compiler.Add(ActionKind::kTransfer, variants, config.transfer);
    game.transfer.first_given = CountEach(names, "transfer.given.", "");
    game.remembers_ahead = true;
  }
}

CellCode BlockCode(const std::string& key, const std::string& name, const GameProgram& game) {
  const auto found = std::find_if(game.statics.begin(), game.statics.end(),
                                  [&name](const StaticType& type) { return type.movable && type.name == name; });
  MG_CHECK(found != game.statics.end(), ConfigError, key, "='", name, "', expected an object of type 'block'.");
  return static_cast<CellCode>(1 + (found - game.statics.begin()));
}

void CompileBlocks(const ActionsConfig& config, const Names& names, ActionCompiler& compiler, GameProgram& game) {
  if (config.place_block.enabled) {
    compiler.Add(ActionKind::kPlaceBlock, {"place_block"}, config.place_block);
    game.blocks.placed = BlockCode("actions.place_block.block", config.place_block.block, game);
    game.remembers_ahead = true;
  }
  if (config.pick_block.enabled) {
    compiler.Add(ActionKind::kPickBlock, {"pick_block"}, config.pick_block);
    game.blocks.picked = BlockCode("actions.pick_block.block", config.pick_block.block, game);
    game.blocks.returned =
        names.Resolve("actions.pick_block.returned_resources", config.pick_block.returned_resources, 1);
    game.remembers_ahead = true;
  }
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
  CompileSwap(config.swap, names, compiler, game);
  CompileLooks(config, compiler);
  CompileShield(config.shield, names, compiler, game);
  CompileGiving(config, names, compiler, game);
  CompileBlocks(config, names, compiler, game);
}

}  // namespace mettagrid
