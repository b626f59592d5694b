#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mettagrid/env/buffers.h"
#include "mettagrid/env/env.h"
#include "mettagrid/env/episode_record.h"
#include "mettagrid/env/thread_team.h"

namespace mettagrid {

struct VecEnvOptions {
  std::size_t num_envs = 1;
  std::size_t num_slots = 1;    // equal parts of the batch that are sent and received one by one
  std::size_t num_threads = 1;  // the thread that waits in Recv is one of them
  bool desync_episodes = false;
  bool same_step_reset = false;  // an episode's end and the next one's begin are one step
};

// A batch of environments that steps on its own threads, straight into the caller's buffers.
//
// Each slot goes round: Send -> running -> Recv -> received. Environments share nothing, so that results are equal for
// any number of threads. Not to be called from two threads at once.
class VecEnv {
 public:
  // `games`: environment i plays games[i % size]; their spaces must be equal. Throws ConfigError.
  VecEnv(std::vector<GamePtr> games, const VecEnvOptions& options);
  VecEnv(const VecEnv&) = delete;
  VecEnv& operator=(const VecEnv&) = delete;

  // The caller keeps the memory alive and unmoved until the next Bind or the end. Sizes are checked by the binding.
  void Bind(const Buffers& buffers);
  // Starts an episode in each environment; Recv works for every slot afterwards.
  void Reset(std::uint64_t seed);
  // Begins the next episode of one environment, between Recv and Send; its rows are written again.
  void BeginNext(std::size_t env);
  // Copies the actions and returns at once; the slot must have been received. `strict`: an action outside the table is
  // an error that names it (and nothing steps); else it fails and is counted.
  void Send(std::size_t slot, std::span<const std::int32_t> actions, bool strict = false);
  // Works along until the slot's environments have stepped; rethrows what one of them threw.
  void Recv(std::size_t slot);
  // Waits until nothing runs.
  void Wait();
  // For benchmarks: steps the whole batch on this thread, between Recv and Send, timed phase by phase.
  void StepTimed(std::span<const std::int32_t> actions, PhaseTimes& times);

  // Records since the last call, ordered by (tick of ending, environment).
  std::vector<EpisodeRecord> DrainEpisodes();
  const std::vector<EpisodeRecord>& PeekEpisodes();
  void ReplaceEpisodes(std::vector<EpisodeRecord> records);

  // Between Recv and Send. After Restore the environment's rows are written again, and its slot can be received.
  std::vector<std::byte> Snapshot(std::size_t env);
  void Restore(std::size_t env, std::span<const std::byte> bytes);
  // The quick way within one process, for searches: no check of the bytes, since nobody else had them.
  SavedWorld Save(std::size_t env);
  void Load(std::size_t env, const SavedWorld& saved);
  void Fork(std::size_t from, std::size_t to);

  // The game gets a number: that which it has already, the first that nothing refers to any more, or a new one.
  // Throws ConfigError when its spaces are not those of the batch.
  std::size_t AddGame(const GamePtr& game);
  const std::vector<GamePtr>& games() const { return games_; }
  // The environment plays the game from its next reset on.
  void SetGame(std::size_t env, std::size_t game);
  // Numbers of the game that an environment plays and of that which it will play.
  std::pair<std::size_t, std::size_t> Playing(std::size_t env);
  // For restoring a batch: these games and no others; every environment has a world of `playing` that holds nothing
  // yet.
  void ReplaceGames(std::vector<GamePtr> games, std::span<const std::pair<std::size_t, std::size_t>> playing);

  // Makes every slot receivable, as after a reset.
  void MarkReady();

  const Env& env(std::size_t index);
  // Test and play tool: changes what an agent holds and writes the environment's rows again.
  void SetInventory(std::size_t env, AgentId agent, ItemId item, Amount amount);

  std::size_t num_envs() const { return envs_.size(); }
  std::size_t num_slots() const { return slots_.size(); }
  std::size_t num_threads() const { return team_->num_threads(); }
  std::size_t num_agents() const { return games_.front()->program.num_agents; }
  std::size_t num_rows() const { return num_envs() * num_agents(); }
  std::size_t rows_per_slot() const { return num_rows() / num_slots(); }
  const Game& game() const { return *games_.front(); }
  const GameProgram& program() const { return game().program; }

 private:
  enum class SlotState : std::uint8_t { kUnset, kRunning, kReady, kReceived };
  struct Slot {
    SlotState state = SlotState::kUnset;
    bool resets = false;
    std::size_t begin = 0;  // environments [begin, end)
    std::size_t end = 0;
    std::exception_ptr failure;  // guarded by the mutex
  };

  // Throws ConfigError naming what differs, with both values.
  void CheckSpaces(const GameProgram& other) const;
  void CheckBound() const;
  void CheckActions(std::span<const std::int32_t> actions) const;
  Slot& SlotAt(std::size_t slot);
  std::size_t CheckedEnv(std::size_t env) const;
  void Start(std::size_t slot, bool resets);
  void Finish(std::size_t slot);
  void Run(std::size_t slot, std::size_t begin, std::size_t end);  // on any thread of the team
  void RunEnv(std::size_t env, const Slot& slot, std::vector<EpisodeRecord>& ended);
  void EndEpisode(std::size_t env, std::vector<EpisodeRecord>& ended);
  Buffers RowsOf(std::size_t env) const;

  std::size_t NumberOf(const GamePtr& game) const;
  bool IsInUse(std::size_t game) const;

  std::vector<GamePtr> games_;
  std::vector<Env> envs_;
  // Where the worlds were when their slot started, for fetching them ahead: a world moves when its game changes.
  std::vector<std::span<const std::byte>> worlds_;
  bool same_step_;
  bool desync_;
  std::uint64_t seed_ = 0;
  Buffers buffers_;
  bool bound_ = false;
  std::vector<std::int32_t> actions_;
  std::vector<Slot> slots_;

  std::mutex mutex_;  // guards records and failures while the team works
  std::vector<EpisodeRecord> episodes_;

  std::unique_ptr<ThreadTeam> team_;  // last: its threads end before what they use
};

}  // namespace mettagrid
