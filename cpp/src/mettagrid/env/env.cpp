#include "mettagrid/env/env.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "mettagrid/actions/action_mask.h"
#include "mettagrid/actions/resolve.h"
#include "mettagrid/core/hash.h"
#include "mettagrid/core/rng.h"
#include "mettagrid/objects/placement.h"
#include "mettagrid/observe/token_runs.h"
#include "mettagrid/systems/ending.h"
#include "mettagrid/systems/rewards.h"
#include "mettagrid/systems/timed_events.h"

namespace mettagrid {
Env::Env(GamePtr game, std::uint32_t index)
    : game_(std::move(game)),
      storage_((game_->program.layout.num_bytes + sizeof(CacheLine) - 1) / sizeof(CacheLine)),
      scratch_(ScratchSize(game_->program.map)),
      world_(game_->program, storage_.data()->bytes) {
  world_.header().env = index;
}

void Env::SwitchGame(GamePtr game) {
  if (game == game_) return;
  const WorldHeader header = world_.header();
  game_ = std::move(game);
  storage_.assign((game_->program.layout.num_bytes + sizeof(CacheLine) - 1) / sizeof(CacheLine), CacheLine{});
  scratch_.resize(ScratchSize(game_->program.map));
  world_ = World(game_->program, storage_.data()->bytes);
  world_.header() = header;
}

void Env::Play(GamePtr game) {
  next_game_ = std::move(game);
  Begin(world_.header().episode);
}

void Env::Begin(std::uint32_t episode) {
  ended_.Forget();
  if (next_game_ != nullptr) SwitchGame(std::exchange(next_game_, nullptr));
  StartEpisode(world_, episode, scratch_);
  for (const RunSystem start : game_->starts) start(world_);
  EncodeStatics(world_);
  StartRewards(world_);
  RefreshRuns(world_);
}

void Env::Reset(std::uint64_t seed, bool desync, const Buffers& out) {
  world_.header().seed = seed;
  world_.header().ticks = 0;
  Begin(0);
  WorldHeader& header = world_.header();  // of the game that has just begun
  const std::uint32_t max_steps = game_->program.max_steps;
  if (desync && max_steps > 1) {
    RandomStream random(seed, header.env, 0, 0, Purpose::kDesync);
    header.step_limit = 1 + random.Below(max_steps - 1);
    header.partial = 1;
  }
  EmitAndCount(out);
}

template <class Phases>
bool Env::Tick(std::span<const std::int32_t> actions, const Buffers& out, std::span<const std::byte> next_world,
               Phases& phases) {
  WorldHeader& header = world_.header();
  ++header.ticks;
  if (done()) {
    Begin(header.episode + 1);
    EmitAndCount(out);
    phases.End(Phase::kReset);
    return false;
  }
  ended_.Forget();
  header.first = 0;
  ++header.step;
  RunTimedEvents(world_);
  phases.End(Phase::kTimedEvents);
  ResolveActions(world_, actions);
  phases.End(Phase::kActions);
  for (const RunSystem run : game_->systems) run(world_);
  phases.End(Phase::kSystems);
  PayRewards(world_);
  EndEpisode(world_);
  phases.End(Phase::kRewards);
  RefreshRuns(world_);
  phases.End(Phase::kTokenRuns);
  const TokenCounts counts = WriteRows(out, next_world, phases);
  header.tokens_written += counts.written;
  header.tokens_dropped += counts.dropped;
  return done();
}

bool Env::Step(std::span<const std::int32_t> actions, const Buffers& out, std::span<const std::byte> next_world) {
  NoPhases phases;
  return Tick(actions, out, next_world, phases);
}

bool Env::StepTimed(std::span<const std::int32_t> actions, const Buffers& out, std::span<const std::byte> next_world,
                    PhaseTimes& times) {
  times.Begin();
  return Tick(actions, out, next_world, times);
}

void Env::BeginInSameStep(const Buffers& out) {
  EndedEpisode ended = std::move(ended_);  // its memory is used again
  ended.Keep(out);
  Begin(world_.header().episode + 1);
  EmitAndCount(out);
  ended_ = std::move(ended);
  ended_.Show(out);
}

void Env::BeginNext(const Buffers& out) {
  Begin(world_.header().episode + 1);
  EmitAndCount(out);
}

TokenCounts Env::Emit(const Buffers& out, std::span<const std::byte> next_world) const {
  NoPhases phases;
  return WriteRows(out, next_world, phases);
}

template <class Phases>
TokenCounts Env::WriteRows(const Buffers& out, std::span<const std::byte> next_world, Phases& phases) const {
  const WorldHeader& header = world_.header();
  const GameProgram& program = game_->program;
  const std::size_t num_actions = program.num_actions();
  const TokenCounts counts = game_->observer.Write(world_, out.observations, out.used_tokens, next_world);
  if (!out.state.empty()) game_->state.Write(world_, out.state);
  phases.End(Phase::kObservations);
  for (std::size_t i = 0; i < program.num_agents; ++i) {
    out.rewards[i] = world_.agents.reward[i];
    const Presence presence = world_.agents.presence[i];
    out.terminated[i] = header.terminated != 0 || presence == Presence::kWaiting || presence == Presence::kGone;
    out.truncated[i] = header.truncated != 0;
    out.first[i] = header.first != 0 || (world_.agents.changed[i] & kEntered) != 0;
    out.action_success[i] = world_.agents.success[i] != 0;
    WriteActionMask(world_, AgentId(i), out.action_mask.subspan(i * num_actions, num_actions));
  }
  if (ended_.kept()) [[unlikely]]
    ended_.Show(out);
  phases.End(Phase::kMasks);
  return counts;
}

void Env::EmitAndCount(const Buffers& out, std::span<const std::byte> next_world) {
  const TokenCounts counts = Emit(out, next_world);
  world_.header().tokens_written += counts.written;
  world_.header().tokens_dropped += counts.dropped;
}

std::uint64_t Env::StateHash() const { return HashBytes(world_.bytes()); }

std::vector<std::byte> Env::Snapshot() const {
  std::vector<std::byte> bytes(world_.bytes().begin(), world_.bytes().end());
  ended_.AppendTo(bytes);
  return bytes;
}

void Env::Restore(std::span<const std::byte> snapshot) {
  const std::span<const std::byte> bytes = snapshot.first(std::min(snapshot.size(), world_.bytes().size()));
  MG_CHECK(bytes.size() == world_.bytes().size(), EnvError, "the snapshot has ", bytes.size(),
           " bytes, this game's world has ", world_.bytes().size(), ". It belongs to another game or engine version.");
  WorldHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  MG_CHECK(header.format == kWorldFormat && header.fingerprint == game_->program.layout.fingerprint, EnvError,
           "the snapshot has world format ", header.format, " and another layout than this game (format ", kWorldFormat,
           "). It belongs to another game or engine version.");
  std::vector<CacheLine> copy(storage_.size());
  std::memcpy(copy.data(), bytes.data(), bytes.size());
  MG_CHECK(IsSound(World(game_->program, copy.data()->bytes)), EnvError,
           "the snapshot's world contradicts itself: the bytes are damaged, or belong to a changed game.");
  ended_.Read(snapshot.subspan(bytes.size()), *game_);
  storage_.swap(copy);
  world_ = World(game_->program, storage_.data()->bytes);
}

SavedWorld Env::Save() const { return {game_, next_game_, {world_.bytes().begin(), world_.bytes().end()}, ended_}; }

void Env::Load(const SavedWorld& saved) {
  SwitchGame(saved.game);
  next_game_ = saved.next_game;
  ended_ = saved.ended;
  std::memcpy(world_.bytes().data(), saved.bytes.data(), saved.bytes.size());
}

void Env::CopyFrom(const Env& other) {
  if (this == &other) return;
  SwitchGame(other.game_);
  next_game_ = other.next_game_;
  ended_ = other.ended_;
  std::memcpy(world_.bytes().data(), other.world_.bytes().data(), world_.bytes().size());
}

}  // namespace mettagrid
