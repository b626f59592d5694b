#include "mettagrid/env/ended_episode.h"

#include <algorithm>
#include <cstring>

#include "mettagrid/core/check.h"

namespace mettagrid {
namespace {

constexpr std::uint8_t kTerminated = 1;
constexpr std::uint8_t kTruncated = 2;
constexpr std::uint8_t kSucceeded = 4;

}  // namespace

void EndedEpisode::Keep(const Buffers& out) {
  kept_ = true;
  rewards_.assign(out.rewards.begin(), out.rewards.end());
  observations_.assign(out.observations.begin(), out.observations.end());
  state_.assign(out.state.begin(), out.state.end());
  flags_.resize(out.rewards.size());
  for (std::size_t i = 0; i < flags_.size(); ++i) {
    flags_[i] = static_cast<std::uint8_t>((out.terminated[i] ? kTerminated : 0) | (out.truncated[i] ? kTruncated : 0) |
                                          (out.action_success[i] ? kSucceeded : 0));
  }
}

void EndedEpisode::Show(const Buffers& out) const {
  std::copy(rewards_.begin(), rewards_.end(), out.rewards.begin());
  std::copy(observations_.begin(), observations_.end(), out.final_observations.begin());
  std::copy(state_.begin(), state_.end(), out.final_state.begin());
  for (std::size_t i = 0; i < flags_.size(); ++i) {
    out.terminated[i] = (flags_[i] & kTerminated) != 0;
    out.truncated[i] = (flags_[i] & kTruncated) != 0;
    out.action_success[i] = (flags_[i] & kSucceeded) != 0;
  }
}

void EndedEpisode::AppendTo(std::vector<std::byte>& bytes) const {
  if (!kept_) return;
  const auto append = [&bytes](const auto& values) {
    const auto raw = std::as_bytes(std::span(values));
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  };
  append(rewards_);
  append(flags_);
  append(observations_);
  append(state_);
}

void EndedEpisode::Read(std::span<const std::byte> bytes, const Game& game) {
  kept_ = false;
  if (bytes.empty()) return;
  const std::size_t agents = game.program.num_agents;
  const std::size_t rewards = agents * sizeof(float);
  const std::size_t observations = agents * game.program.obs.num_bytes();
  const std::size_t state = game.state.buffer_bytes();
  const std::size_t expected = rewards + agents + observations + state;
  MG_CHECK(bytes.size() == expected, EnvError, "the snapshot has ", bytes.size(),
           " bytes after its world, expected none or ", expected,
           ": what the ended episode returned. It belongs to another game or engine version.");
  rewards_.resize(agents);
  flags_.resize(agents);
  observations_.resize(observations);
  state_.resize(state);
  std::memcpy(rewards_.data(), bytes.data(), rewards);
  std::memcpy(flags_.data(), bytes.data() + rewards, agents);
  std::memcpy(observations_.data(), bytes.data() + rewards + agents, observations);
  if (state > 0) std::memcpy(state_.data(), bytes.data() + rewards + agents + observations, state);
  kept_ = true;
}

}  // namespace mettagrid
