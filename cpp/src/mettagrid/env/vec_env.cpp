#include "mettagrid/env/vec_env.h"

#include <algorithm>

#include "mettagrid/observe/token_runs.h"
#include "mettagrid/systems/rewards.h"

namespace mettagrid {
namespace {

// Agents in the environments taken at once: few enough to share the work, many enough to make taking cheap.
constexpr std::size_t kAgentsPerChunk = 96;

}  // namespace

VecEnv::VecEnv(std::vector<GamePtr> games, const VecEnvOptions& options)
    : games_(std::move(games)), same_step_(options.same_step_reset), desync_(options.desync_episodes) {
  MG_CHECK(!games_.empty(), ConfigError, "VecEnv got no game, expected at least one.");
  MG_CHECK(options.num_envs >= 1, ConfigError, "num_envs=0, expected at least 1.");
  MG_CHECK(options.num_threads >= 1, ConfigError, "num_threads=0, expected at least 1.");
  MG_CHECK(options.num_slots >= 1 && options.num_envs % options.num_slots == 0, ConfigError,
           "num_envs=", options.num_envs, " cannot be split into num_slots=", options.num_slots,
           " equal slots. Make num_envs a multiple of num_slots, or set num_slots=1.");
  envs_.reserve(options.num_envs);
  for (std::size_t i = 0; i < options.num_envs; ++i) {
    envs_.emplace_back(games_[i % games_.size()], static_cast<std::uint32_t>(i));
  }
  for (const GamePtr& game : games_) CheckSpaces(game->program);
  worlds_.resize(options.num_envs);
  actions_.resize(num_rows());
  slots_.resize(options.num_slots);
  const std::size_t per_slot = options.num_envs / options.num_slots;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    slots_[i].begin = i * per_slot;
    slots_[i].end = (i + 1) * per_slot;
  }
  team_ = std::make_unique<ThreadTeam>(
      std::min(options.num_threads, per_slot), slots_.size(), kAgentsPerChunk / num_agents(),
      [this](std::size_t slot, std::size_t begin, std::size_t end) { Run(slot, begin, end); });
}

void VecEnv::CheckBound() const { MG_CHECK(bound_, EnvError, "no buffers are bound. Call bind first."); }

VecEnv::Slot& VecEnv::SlotAt(std::size_t slot) {
  MG_CHECK(slot < slots_.size(), EnvError, "slot ", slot, " does not exist, expected 0 .. ", slots_.size() - 1, ".");
  return slots_[slot];
}

std::size_t VecEnv::CheckedEnv(std::size_t env) const {
  MG_CHECK(env < envs_.size(), EnvError, "environment ", env, " does not exist, expected 0 .. ", envs_.size() - 1, ".");
  return env;
}

void VecEnv::Bind(const Buffers& buffers) {
  Wait();
  MG_CHECK(same_step_ != buffers.final_observations.empty(), EnvError, "final_observations is ",
           same_step_ ? "missing" : "given", ", but autoreset is ", same_step_ ? "same_step" : "next_step",
           ". Bind it in same_step mode only.");
  const bool has_final_state = same_step_ && program().obs.global_state;
  MG_CHECK(has_final_state != buffers.final_state.empty(), EnvError, "final_state is ",
           has_final_state ? "missing" : "given", ", expected one in same_step mode, in games with a global state.");
  buffers_ = buffers;
  bound_ = true;
}

void VecEnv::Reset(std::uint64_t seed) {
  CheckBound();
  Wait();
  seed_ = seed;
  episodes_.clear();
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) Start(slot, true);
}

void VecEnv::BeginNext(std::size_t env) {
  CheckBound();
  Wait();
  const std::size_t per_slot = envs_.size() / slots_.size();
  MG_CHECK(slots_[CheckedEnv(env) / per_slot].state != SlotState::kUnset, EnvError,
           "the batch was never reset. Call reset(seed) first.");
  envs_[env].BeginNext(RowsOf(env));
}

void VecEnv::CheckActions(std::span<const std::int32_t> actions) const {
  const auto count = static_cast<std::uint32_t>(program().num_actions());
  std::uint32_t largest = 0;  // a negative number is a huge unsigned one
  for (const std::int32_t action : actions) largest = std::max(largest, static_cast<std::uint32_t>(action));
  if (largest < count) return;
  const auto wrong = std::find_if(actions.begin(), actions.end(),
                                  [count](std::int32_t action) { return static_cast<std::uint32_t>(action) >= count; });
  MG_CHECK(false, EnvError, "actions[", wrong - actions.begin(), "] = ", *wrong,
           " is no action of this game, expected 0 .. ", count - 1, " (", program().actions.front().name, " .. ",
           program().actions.back().name, "). Sample from the action space.");
}

void VecEnv::Send(std::size_t slot_index, std::span<const std::int32_t> actions, bool strict) {
  Slot& slot = SlotAt(slot_index);
  MG_CHECK(slot.state != SlotState::kUnset, EnvError, "the batch was never reset. Call reset(seed) first.");
  MG_CHECK(slot.state == SlotState::kReceived, EnvError, "slot ", slot_index,
           " was sent again before its last step was received. Call recv(", slot_index, ") first.");
  MG_CHECK(actions.size() == rows_per_slot(), ShapeError, "actions has ", actions.size(), " entries, expected ",
           rows_per_slot(), " (rows of a slot).");
  if (strict) CheckActions(actions);
  std::copy(actions.begin(), actions.end(), actions_.begin() + static_cast<std::ptrdiff_t>(slot.begin * num_agents()));
  Start(slot_index, false);
}

void VecEnv::Start(std::size_t slot_index, bool resets) {
  Slot& slot = slots_[slot_index];
  slot.state = SlotState::kRunning;
  slot.resets = resets;
  slot.failure = nullptr;
  for (std::size_t env = slot.begin; env < slot.end; ++env) worlds_[env] = envs_[env].world().bytes();
  team_->Start(slot_index, slot.begin, slot.end);
}

void VecEnv::Recv(std::size_t slot_index) {
  Slot& slot = SlotAt(slot_index);
  MG_CHECK(slot.state != SlotState::kUnset, EnvError, "the batch was never reset. Call reset(seed) first.");
  Finish(slot_index);
  if (slot.failure) std::rethrow_exception(slot.failure);
  slot.state = SlotState::kReceived;
}

void VecEnv::StepTimed(std::span<const std::int32_t> actions, PhaseTimes& times) {
  CheckBound();
  MG_CHECK(actions.size() == num_rows(), ShapeError, "actions has ", actions.size(), " entries, expected ", num_rows(),
           " (rows of the batch).");
  Wait();
  const std::size_t agents = num_agents();
  for (std::size_t i = 0; i < envs_.size(); ++i) {
    const auto next_world = i + 1 < envs_.size() ? envs_[i + 1].world().bytes() : std::span<std::byte>{};
    if (!envs_[i].StepTimed(actions.subspan(i * agents, agents), RowsOf(i), next_world, times)) continue;
    EndEpisode(i, episodes_);
    times.End(Phase::kRecords);
  }
}

void VecEnv::Wait() {
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) Finish(slot);
}

void VecEnv::Finish(std::size_t slot_index) {
  Slot& slot = slots_[slot_index];
  if (slot.state != SlotState::kRunning) return;
  team_->Finish(slot_index);
  slot.state = SlotState::kReady;
}

void VecEnv::Run(std::size_t slot_index, std::size_t begin, std::size_t end) {
  Slot& slot = slots_[slot_index];
  std::vector<EpisodeRecord> ended;  // stays empty, and so unallocated, in most chunks
  std::exception_ptr failure;
  try {
    for (std::size_t env = begin; env < end; ++env) RunEnv(env, slot, ended);
  } catch (...) {
    failure = std::current_exception();
  }
  if (ended.empty() && !failure) return;
  const std::lock_guard lock(mutex_);
  if (failure) slot.failure = failure;
  for (EpisodeRecord& record : ended) episodes_.push_back(std::move(record));
}

void VecEnv::RunEnv(std::size_t env, const Slot& slot, std::vector<EpisodeRecord>& ended) {
  if (slot.resets) {
    envs_[env].Reset(seed_, desync_, RowsOf(env));
    return;
  }
  const std::size_t agents = num_agents();
  const std::span<const std::byte> next_world = env + 1 < slot.end ? worlds_[env + 1] : std::span<const std::byte>{};
  if (!envs_[env].Step(std::span(actions_).subspan(env * agents, agents), RowsOf(env), next_world)) return;
  EndEpisode(env, ended);
}

void VecEnv::EndEpisode(std::size_t env, std::vector<EpisodeRecord>& ended) {
  ended.push_back(MakeRecord(envs_[env].world()));
  ended.back().env = static_cast<std::uint32_t>(env);  // a restored world may come from elsewhere
  ended.back().game = static_cast<std::uint32_t>(NumberOf(envs_[env].game_pointer()));
  if (same_step_) envs_[env].BeginInSameStep(RowsOf(env));
}

Buffers VecEnv::RowsOf(std::size_t env) const { return buffers_.Of(env, envs_[env].game()); }

std::vector<EpisodeRecord> VecEnv::DrainEpisodes() {
  PeekEpisodes();
  return std::exchange(episodes_, {});
}

const std::vector<EpisodeRecord>& VecEnv::PeekEpisodes() {
  Wait();
  std::sort(episodes_.begin(), episodes_.end(), [](const EpisodeRecord& a, const EpisodeRecord& b) {
    return a.tick != b.tick ? a.tick < b.tick : a.env < b.env;
  });
  return episodes_;
}

void VecEnv::ReplaceEpisodes(std::vector<EpisodeRecord> records) {
  Wait();
  for (const EpisodeRecord& record : records) CheckedEnv(record.env);
  episodes_ = std::move(records);
}

std::vector<std::byte> VecEnv::Snapshot(std::size_t env) {
  Wait();
  return envs_[CheckedEnv(env)].Snapshot();
}

void VecEnv::Restore(std::size_t env, std::span<const std::byte> bytes) {
  CheckBound();
  Wait();
  MG_CHECK(same_step_ || bytes.size() <= envs_[CheckedEnv(env)].world().bytes().size(), EnvError,
           "the snapshot was taken with autoreset=same_step at an episode's end, or belongs to another game: it has ",
           bytes.size(), " bytes, this game's world ", envs_[env].world().bytes().size(),
           ". Restore it with the autoreset that it was taken with.");
  envs_[CheckedEnv(env)].Restore(bytes);
  envs_[env].Emit(RowsOf(env));
}

SavedWorld VecEnv::Save(std::size_t env) {
  Wait();
  return envs_[CheckedEnv(env)].Save();
}

void VecEnv::Load(std::size_t env, const SavedWorld& saved) {
  CheckBound();
  Wait();
  const bool known =
      NumberOf(saved.game) < games_.size() && (saved.next_game == nullptr || NumberOf(saved.next_game) < games_.size());
  MG_CHECK(known, EnvError,
           "the saved world belongs to another compiled game: it was saved in another batch, or its game is gone. Take "
           "it along as bytes instead: snapshot_env and restore_env.");
  envs_[CheckedEnv(env)].Load(saved);
  envs_[env].Emit(RowsOf(env));
}

void VecEnv::Fork(std::size_t from, std::size_t to) {
  CheckBound();
  Wait();
  envs_[CheckedEnv(to)].CopyFrom(envs_[CheckedEnv(from)]);
  envs_[to].Emit(RowsOf(to));
}

void VecEnv::MarkReady() {
  Wait();
  for (Slot& slot : slots_) slot.state = SlotState::kReady;
}

const Env& VecEnv::env(std::size_t index) {
  Wait();
  return envs_[CheckedEnv(index)];
}

void VecEnv::SetInventory(std::size_t env, AgentId agent, ItemId item, Amount amount) {
  CheckBound();
  Wait();
  const World& world = envs_[CheckedEnv(env)].world();
  MG_CHECK(agent.index() < num_agents(), EnvError, "agent ", agent.value, " does not exist, expected 0 .. ",
           num_agents() - 1, ".");
  MG_CHECK(item.index() < program().num_resources(), EnvError, "resource ", item.value, " does not exist.");
  const int most = world.Inventory(agent)[item.index()] + world.RoomNow(agent, item);
  MG_CHECK(amount <= most, EnvError, "agent ", agent.value, " can hold ", most, " of '",
           program().resource_names[item.index()], "', got ", amount,
           ". Raise agent.resource_limits, or the limit that it shares.");
  world.Inventory(agent)[item.index()] = amount;
  world.agents.changed[agent.index()] |= kLooksChanged;
  RestartRewards(world, agent);
  RefreshRuns(world);
  envs_[env].Emit(RowsOf(env));
}

}  // namespace mettagrid
