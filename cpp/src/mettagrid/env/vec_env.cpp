#include "mettagrid/env/vec_env.h"

#include <algorithm>

#include "mettagrid/observe/token_runs.h"
#include "mettagrid/systems/rewards.h"

namespace mettagrid {
namespace {

// Environments taken at once: few enough to share the work, many enough to make taking cheap.
constexpr std::size_t kAgentsPerChunk = 96;

}  // namespace

VecEnv::VecEnv(std::vector<GamePtr> games, const VecEnvOptions& options) : desync_(options.desync_episodes) {
  MG_CHECK(!games.empty(), ConfigError, "VecEnv got no game, expected at least one.");
  MG_CHECK(options.num_envs >= 1, ConfigError, "num_envs=0, expected at least 1.");
  MG_CHECK(options.num_threads >= 1, ConfigError, "num_threads=0, expected at least 1.");
  MG_CHECK(options.num_slots >= 1 && options.num_envs % options.num_slots == 0, ConfigError,
           "num_envs=", options.num_envs, " cannot be split into num_slots=", options.num_slots,
           " equal slots. Make num_envs a multiple of num_slots, or set num_slots=1.");
  envs_.reserve(options.num_envs);
  for (std::size_t i = 0; i < options.num_envs; ++i) {
    envs_.emplace_back(games[i % games.size()], static_cast<std::uint32_t>(i));
  }
  CheckSpaces();
  actions_.resize(num_rows());
  slots_.resize(options.num_slots);
  const std::size_t per_slot = options.num_envs / options.num_slots;
  const std::size_t threads = std::min(options.num_threads, per_slot);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    slots_[i].begin = i * per_slot;
    slots_[i].end = (i + 1) * per_slot;
    slots_[i].shares.resize(threads);
  }
  for (std::size_t i = 0; i + 1 < threads; ++i) {
    workers_.emplace_back([this, i] { WorkerLoop(i); });
  }
}

VecEnv::~VecEnv() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
}

void VecEnv::CheckSpaces() const {
  const GameProgram& mine = program();
  for (const Env& env : envs_) {
    const GameProgram& other = env.game().program;
    bool equal = other.num_agents == mine.num_agents && other.num_actions() == mine.num_actions() &&
                 other.obs.width == mine.obs.width && other.obs.height == mine.obs.height &&
                 other.obs.num_tokens == mine.obs.num_tokens && other.resource_names == mine.resource_names;
    for (std::size_t i = 0; equal && i < mine.num_actions(); ++i) equal = other.actions[i].name == mine.actions[i].name;
    MG_CHECK(equal, ConfigError,
             "the games of a batch differ in agents, actions, resources or observation; expected equal spaces.");
  }
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
  buffers_ = buffers;
  bound_ = true;
}

void VecEnv::Reset(std::uint64_t seed) {
  CheckBound();
  Wait();
  seed_ = seed;
  episodes_.clear();
  for (Slot& slot : slots_) Start(slot, true);
}

void VecEnv::Send(std::size_t slot_index, std::span<const std::int32_t> actions) {
  Slot& slot = SlotAt(slot_index);
  MG_CHECK(slot.state != SlotState::kUnset, EnvError, "the batch was never reset. Call reset(seed) first.");
  MG_CHECK(slot.state == SlotState::kReceived, EnvError, "slot ", slot_index,
           " was sent again before its last step was received. Call recv(", slot_index, ") first.");
  MG_CHECK(actions.size() == rows_per_slot(), ShapeError, "actions has ", actions.size(), " entries, expected ",
           rows_per_slot(), " (rows of a slot).");
  std::copy(actions.begin(), actions.end(), actions_.begin() + static_cast<std::ptrdiff_t>(slot.begin * num_agents()));
  Start(slot, false);
}

void VecEnv::Start(Slot& slot, bool resets) {
  {
    const std::lock_guard lock(mutex_);
    slot.state = SlotState::kRunning;
    slot.resets = resets;
    slot.failure = nullptr;
    slot.unfinished = slot.end - slot.begin;
    const std::size_t count = slot.shares.size();
    for (std::size_t i = 0; i < count; ++i) {
      slot.shares[i] = {slot.begin + slot.unfinished * i / count, slot.begin + slot.unfinished * (i + 1) / count};
    }
  }
  if (!workers_.empty()) work_.notify_all();
}

void VecEnv::Recv(std::size_t slot_index) {
  Slot& slot = SlotAt(slot_index);
  MG_CHECK(slot.state != SlotState::kUnset, EnvError, "the batch was never reset. Call reset(seed) first.");
  std::unique_lock lock(mutex_);
  Finish(slot, workers_.size(), lock);
  if (slot.failure) std::rethrow_exception(slot.failure);
  slot.state = SlotState::kReceived;
}

void VecEnv::Wait() {
  std::unique_lock lock(mutex_);
  for (Slot& slot : slots_) {
    if (slot.state == SlotState::kRunning) Finish(slot, workers_.size(), lock);
  }
}

void VecEnv::Finish(Slot& slot, std::size_t worker, std::unique_lock<std::mutex>& lock) {
  Chunk chunk;
  while (slot.unfinished > 0) {
    if (TakeChunk(slot, worker, chunk)) {
      RunChunk(chunk, lock);
    } else {
      finished_.wait(lock, [&slot] { return slot.unfinished == 0; });
    }
  }
  if (slot.state == SlotState::kRunning) slot.state = SlotState::kReady;
}

bool VecEnv::TakeChunk(Slot& slot, std::size_t worker, Chunk& chunk) const {
  if (slot.state != SlotState::kRunning) return false;
  // Own share first: its worlds are in this core's cache. Then the end of another's, from where its owner comes last.
  const std::size_t size = std::max<std::size_t>(1, kAgentsPerChunk / num_agents());
  const std::size_t count = slot.shares.size();
  for (std::size_t i = 0; i < count; ++i) {
    Share& share = slot.shares[(worker + i) % count];
    const std::size_t left = share.end - share.next;
    if (left == 0) continue;
    const std::size_t taken = std::min(left, size);
    if (i == 0) {
      chunk = {&slot, share.next, share.next + taken};
      share.next += taken;
    } else {
      chunk = {&slot, share.end - taken, share.end};
      share.end -= taken;
    }
    return true;
  }
  return false;
}

void VecEnv::RunChunk(const Chunk& chunk, std::unique_lock<std::mutex>& lock) {
  const bool resets = chunk.slot->resets;
  const std::size_t agents = num_agents();
  lock.unlock();
  std::vector<EpisodeRecord> ended;  // stays empty, and so unallocated, in most chunks
  std::exception_ptr failure;
  try {
    for (std::size_t i = chunk.begin; i < chunk.end; ++i) {
      if (resets) {
        envs_[i].Reset(seed_, desync_, RowsOf(i));
        continue;
      }
      const std::span<const std::byte> next_world =
          i + 1 < chunk.slot->end ? envs_[i + 1].world().bytes() : std::span<std::byte>{};
      if (envs_[i].Step(std::span(actions_).subspan(i * agents, agents), RowsOf(i), next_world)) {
        ended.push_back(MakeRecord(envs_[i].world()));
        ended.back().env = static_cast<std::uint32_t>(i);  // a restored world may come from elsewhere
      }
    }
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  if (failure) chunk.slot->failure = failure;
  for (EpisodeRecord& record : ended) episodes_.push_back(std::move(record));
  chunk.slot->unfinished -= chunk.end - chunk.begin;
  if (chunk.slot->unfinished == 0) finished_.notify_all();
}

void VecEnv::WorkerLoop(std::size_t worker) {
  std::unique_lock lock(mutex_);
  Chunk chunk;
  while (!stopping_) {
    bool found = false;
    for (Slot& slot : slots_) {
      if (!TakeChunk(slot, worker, chunk)) continue;
      RunChunk(chunk, lock);
      found = true;
      break;
    }
    if (!found) work_.wait(lock);
  }
}

Buffers VecEnv::RowsOf(std::size_t env) const {
  return buffers_.Rows(env * num_agents(), num_agents(), envs_[env].game().program);
}

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

std::span<const std::byte> VecEnv::Snapshot(std::size_t env) {
  Wait();
  return envs_[CheckedEnv(env)].world().bytes();
}

void VecEnv::Restore(std::size_t env, std::span<const std::byte> bytes) {
  CheckBound();
  Wait();
  envs_[CheckedEnv(env)].Restore(bytes);
  envs_[env].Emit(RowsOf(env));
}

void VecEnv::MarkReady() {
  Wait();
  const std::lock_guard lock(mutex_);
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
  MG_CHECK(amount <= world.LimitOf(agent, item), EnvError, "an agent can hold ", world.LimitOf(agent, item), " of '",
           program().resource_names[item.index()], "', got ", amount, ". Raise agent.resource_limits.");
  world.Inventory(agent)[item.index()] = amount;
  world.agents.changed[agent.index()] |= kLooksChanged;
  world.agents.potential[agent.index()] = RewardPotential(world, agent);  // an edit is not rewarded
  RefreshRuns(world);
  envs_[env].Emit(RowsOf(env));
}

}  // namespace mettagrid
