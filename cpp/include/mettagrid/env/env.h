#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mettagrid/env/buffers.h"
#include "mettagrid/env/ended_episode.h"
#include "mettagrid/env/game.h"
#include "mettagrid/env/phase_times.h"
#include "mettagrid/objects/world.h"

namespace mettagrid {

// A world kept aside in memory. Unlike snapshot bytes it cannot be damaged or foreign, so that going back is a copy.
struct SavedWorld {
  GamePtr game;
  GamePtr next_game;
  std::vector<std::byte> bytes;
  EndedEpisode ended;
};

// One environment: a world, its game, and the order of a step. Knows no threads.
class Env {
 public:
  Env(GamePtr game, std::uint32_t index);

  // Starts episode 0. `desync`: cut it at a random step, so that the episodes of a batch do not end together.
  void Reset(std::uint64_t seed, bool desync, const Buffers& out);

  // One tick. After an episode's end it starts the next episode instead and ignores the actions. Returns whether an
  // episode ended in this tick. `next_world`: the world that steps next on this thread, fetched into the cache.
  bool Step(std::span<const std::int32_t> actions, const Buffers& out, std::span<const std::byte> next_world = {});

  // Begins the next episode in the step that ended one: the rows show its first observation, and how the old one ended.
  void BeginInSameStep(const Buffers& out);

  // The same step, timed phase by phase.
  bool StepTimed(std::span<const std::int32_t> actions, const Buffers& out, std::span<const std::byte> next_world,
                 PhaseTimes& times);

  // Begins the next episode now, whether the current one has ended or not; a cut episode leaves no record.
  void BeginNext(const Buffers& out);

  // Writes again what the last tick returned; for restored or edited worlds.
  TokenCounts Emit(const Buffers& out, std::span<const std::byte> next_world = {}) const;

  bool done() const { return world_.header().terminated != 0 || world_.header().truncated != 0; }
  const World& world() const { return world_; }
  const Game& game() const { return *game_; }
  const GamePtr& game_pointer() const { return game_; }
  const GamePtr& next_game() const { return next_game_; }  // null: the same again
  // Plays `game` from the next reset on; its spaces are those of the current one.
  void SetNextGame(GamePtr game) { next_game_ = game == game_ ? nullptr : std::move(game); }
  // Plays `game` at once, in an episode that has just begun; rows are not written.
  void Play(GamePtr game);
  std::uint64_t StateHash() const;

  // The world's bytes, and what the episode that ended in the last step returned.
  std::vector<std::byte> Snapshot() const;
  // Throws EnvError when the bytes are not a sound world of this game and format; the state then stays as it was.
  void Restore(std::span<const std::byte> bytes);

  SavedWorld Save() const;
  // Plays the game that was saved; the caller knows that its spaces are those of this one.
  void Load(const SavedWorld& saved);
  // Becomes a copy of `other`; the same actions have the same effects in both then.
  void CopyFrom(const Env& other);

 private:
  struct alignas(64) CacheLine {
    std::byte bytes[64];
  };

  void SwitchGame(GamePtr game);  // its world holds nothing yet
  void Begin(std::uint32_t episode);
  template <class Phases>
  bool Tick(std::span<const std::int32_t> actions, const Buffers& out, std::span<const std::byte> next_world,
            Phases& phases);
  template <class Phases>
  TokenCounts WriteRows(const Buffers& out, std::span<const std::byte> next_world, Phases& phases) const;
  void EmitAndCount(const Buffers& out, std::span<const std::byte> next_world = {});

  GamePtr game_;
  GamePtr next_game_;
  EndedEpisode ended_;
  std::vector<CacheLine> storage_;
  std::vector<std::uint32_t> scratch_;  // for drawing maps
  World world_;
};

}  // namespace mettagrid
