#include "play_bytes.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "byte_reader.h"
#include "config_mutator.h"
#include "config_printer.h"
#include "games.h"
#include "mettagrid/core/rng.h"

namespace mettagrid::fuzz {
namespace {

using testing::Batch;

constexpr std::size_t kEnvs = 2;
constexpr std::size_t kMaxCells = 20'000;    // larger worlds take long and show nothing new
constexpr std::size_t kMaxTokens = 200'000;  // of all agents together

void Require(bool holds, const std::string& what) {
  if (!holds) throw Violation(what);
}

// Doors, plants, chests and assemblers, crowded, with agents that move, put, get, show glyphs, and leave piles when
// they have given their hearts away.
GameConfig Workshop() {
  GameConfig game = testing::ArenaConfig(5);
  game.max_steps = 40;
  game.agent.initial_inventory = {{"ore_red", 6}, {"heart", 3}};
  game.actions.move.directions = 8;
  game.actions.rotate.enabled = game.actions.put_items.enabled = game.actions.get_items.enabled = true;
  game.actions.change_glyph.enabled = true;
  game.actions.change_glyph.number_of_glyphs = 2;
  PlantConfig plant{.resource = "ore_red", .max_stock = 2, .growth = {0.0, 0.5}};
  DoorConfig door{.key_resources = {{"ore_red", 1}}, .open_ticks = 2};
  ChestConfig chest{.resource = "ore_red", .initial = 1, .limit = 3, .glyph_transfers = {{1, {{"heart", 1}}}}};
  AssemblerConfig pair{.recipes = {{.positions = {"Any", "Any"},
                                    .input_resources = {{"ore_red", 3}},
                                    .output_resources = {{"heart", 2}},
                                    .cooldown = 2}},
                       .max_uses = 9,
                       .allow_partial_usage = true,
                       .exhaustion = 0.5};
  AssemblerConfig choir{.type_id = 24,
                        .match = "glyphs",
                        .recipes = {{.glyphs = {1}, .output_resources = {{"ore_red", 2}}}},
                        .outputs_to = "shared"};
  game.objects = {{"wall", WallConfig{}},
                  {"plant", plant},
                  {"door", door},
                  {"chest", chest},
                  {"pair", pair},
                  {"choir", choir},
                  {"pile", PileConfig{.type_id = 25, .capacity = 2}}};
  game.systems.health = HealthConfig{.resource = "heart", .on_death = "drop", .respawn_ticks = 3};
  game.map =
      RandomMapConfig{.width = 7,
                      .height = 7,
                      .border_width = 0,
                      .objects = {{"wall", 2}, {"plant", 6}, {"door", 6}, {"chest", 4}, {"pair", 4}, {"choir", 2}}};
  return game;
}

GameConfig BaseGame(std::size_t choice) {
  if (choice == 3) return Workshop();
  if (choice == 4) return testing::BedlamConfig();
  if (choice == 0) return testing::BrawlConfig();
  if (choice == 1) {
    GameConfig game = testing::DrawnConfig({U"#########", U"#@.m.n.@#", U"#.#_#S.o#", U"#@.....@#", U"#########"});
    game.agent.initial_inventory = {{"laser", 2}, {"ore_red", 3}, {"battery_red", 2}};
    game.max_steps = 25;
    return game;
  }
  GameConfig game = testing::ArenaConfig(5);
  game.map = RandomMapConfig{.width = 9, .height = 8, .objects = {{"wall", 4}, {"mine_red", 3}, {"altar", 1}}};
  game.max_steps = 12;
  return game;
}

GameConfig ReadGame(ByteReader& bytes) {
  const std::uint8_t choice = bytes.Byte();
  GameConfig game = BaseGame(choice < 128 ? choice % 3 : choice < 176 ? 3 : choice < 224 ? 4 : choice % 3);
  const std::size_t changes = bytes.Below(12);
  for (std::size_t i = 0; i < changes; ++i) {
    const std::size_t place = bytes.Word(2) % ConfigMutator::CountPlaces(game);
    ConfigMutator::Change(game, place, bytes);
  }
  return game;
}

class Play {
 public:
  Play(const GameConfig& game, std::uint64_t seed, std::size_t threads, bool same_step)
      : batch_(game, kEnvs, threads, threads, true, same_step), seed_(seed), actions_(batch_.env().num_rows()) {
    batch_.Reset(seed);
    Check();
  }

  // One step with random actions but for a few that the bytes choose.
  void Step(std::uint32_t step, std::span<const std::uint8_t> chosen) {
    const std::size_t count = batch_.program().num_actions();
    testing::FillRandomActions(actions_, count, seed_, step);
    for (std::size_t i = 0; i + 1 < chosen.size(); i += 2) {
      actions_[chosen[i] % actions_.size()] = static_cast<std::int32_t>(chosen[i + 1] % (count + 1));
    }
    std::vector<bool> ruled_out(actions_.size());
    for (std::size_t row = 0; row < actions_.size(); ++row) {
      const auto index = static_cast<std::size_t>(actions_[row]);
      ruled_out[row] = index >= count || !batch_.Mask(row)[index];
    }
    batch_.Step(actions_);
    for (std::size_t row = 0; row < actions_.size(); ++row) {
      Require(!ruled_out[row] || !batch_.Buffer().action_success[row],
              "action " + std::to_string(actions_[row]) + " succeeded although the mask ruled it out");
    }
    Check();
  }

  void GoBack() {
    const std::uint64_t here = batch_.Digest();
    const auto bytes = batch_.env().Snapshot(1);
    const std::vector<std::byte> copy(bytes.begin(), bytes.end());
    batch_.env().Restore(1, copy);
    Require(batch_.Digest() == here, "restoring a snapshot changed what was returned");
    const SavedWorld saved = batch_.env().Save(0);
    batch_.env().Fork(1, 0);
    Require(batch_.env().env(0).StateHash() == batch_.env().env(1).StateHash(), "a fork differs from its source");
    batch_.env().Load(0, saved);
    Require(batch_.Digest() == here, "loading a saved world changed what was returned");
  }

  // A damaged world is refused, or at least nothing that it holds may lead outside it.
  void Damage(ByteReader& bytes) {
    const auto world = batch_.env().Snapshot(0);
    const std::vector<std::byte> whole(world.begin(), world.end());
    std::vector<std::byte> damaged = whole;
    const std::size_t place = bytes.Word(3) % damaged.size();
    damaged[place] ^= static_cast<std::byte>(1 + bytes.Below(255));
    try {
      batch_.env().Restore(0, damaged);
    } catch (const EnvError&) {
      return;
    }
    for (std::uint32_t step = 0; step < 2; ++step) {
      testing::FillRandomActions(actions_, batch_.program().num_actions(), seed_, step);
      batch_.Step(actions_);
    }
    batch_.env().Restore(0, whole);
  }

  std::uint64_t Digest() { return batch_.Digest() ^ batch_.env().env(0).StateHash(); }

 private:
  void Check() {
    for (std::size_t env = 0; env < kEnvs; ++env) {
      Require(IsSound(batch_.env().env(env).world()), "a world is not sound");
    }
    const auto tokens = static_cast<std::size_t>(batch_.program().obs.num_tokens);
    for (std::size_t row = 0; row < actions_.size(); ++row) {
      const std::size_t used = batch_.Buffer().used_tokens[row];
      if (batch_.program().obs.kind == ObservationKind::kTokens) {
        Require(used <= tokens, "more tokens used than there are");
        const auto padding = batch_.Observation(row).subspan(used * 3);
        Require(std::ranges::all_of(padding, [](std::uint8_t byte) { return byte == 0xFF; }),
                "the padding is not whole");
      }
      Require(std::isfinite(batch_.Buffer().rewards[row]), "a reward is not a number");
      Require(batch_.Mask(row)[0], "noop is ruled out");
    }
  }

  Batch batch_;
  std::uint64_t seed_;
  std::vector<std::int32_t> actions_;
};

bool IsLarge(const GameProgram& program) {
  return program.map.num_cells() > kMaxCells || program.num_agents * program.obs.num_bytes() > 3 * kMaxTokens;
}

}  // namespace

bool PlayBytes(std::span<const std::uint8_t> input) {
  ByteReader bytes(input);
  const GameConfig game = ReadGame(bytes);
  try {
    if (IsLarge(Game(game).program)) return false;
  } catch (const ConfigError&) {
    return false;
  }
  const std::uint64_t seed = bytes.Word(2);
  const std::size_t manner = bytes.Below(8);
  const bool twice = manner % 4 == 3;
  const bool same_step = manner >= 4;
  Play play(game, seed, 1, same_step);
  std::optional<Play> other;
  if (twice) other.emplace(game, seed, 2, same_step);
  const auto steps = static_cast<std::uint32_t>(4 + bytes.Below(60));
  for (std::uint32_t step = 0; step < steps; ++step) {
    std::vector<std::uint8_t> chosen(2 * bytes.Below(5));
    for (std::uint8_t& byte : chosen) byte = bytes.Byte();
    play.Step(step, chosen);
    if (other) other->Step(step, chosen);
    if (step % 7 == 3) play.GoBack();
    if (!other && step % 11 == 5) play.Damage(bytes);
  }
  Require(!other || play.Digest() == other->Digest(), "two threads return other bytes than one");
  return true;
}

std::string DescribeBytes(std::span<const std::uint8_t> input) {
  ByteReader bytes(input);
  const GameConfig game = ReadGame(bytes);
  std::string text = ConfigPrinter::Print(game);
  try {
    Game{game};
  } catch (const ConfigError& error) {
    text.append("\nrefused: ").append(error.what());
  }
  return text;
}

}  // namespace mettagrid::fuzz
