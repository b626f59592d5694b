#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mettagrid/env/vec_env.h"

namespace mettagrid::testing {

// The arena of metta/mettagrid/builder/envs.py, in rooms of 25x25 with `num_agents` agents.
GameConfig ArenaConfig(std::int64_t num_agents = 24);

// A crowded little arena in which everything happens often: small rooms, short times, weapons and armor from the start.
GameConfig BrawlConfig();

// All families of actions, all kinds of objects and all world systems at once, for two teams in a little room: agents
// shield, give, build, die, respawn, enter late and leave early. Costs have fractions.
GameConfig BedlamConfig();

// The arena's rules on a drawn map: # wall, @ agent, m mine, n generator, _ altar, S lasery, o armory, a-z as declared.
GameConfig DrawnConfig(std::vector<std::u32string> rows);

// Owns the buffers of a batch.
class Batch {
 public:
  Batch(const GameConfig& config, std::size_t num_envs, std::size_t num_slots = 1, std::size_t num_threads = 1,
        bool desync = false, bool same_step = false);

  VecEnv& env() { return *env_; }
  const GameProgram& program() const { return env_->program(); }
  // Steps every slot with its part of `actions`.
  void Step(std::span<const std::int32_t> actions);
  void Step(std::initializer_list<std::int32_t> actions) { Step(std::span(actions.begin(), actions.size())); }
  void Reset(std::uint64_t seed);

  std::span<const bool> Mask(std::size_t row) const {
    return Buffer().action_mask.subspan(row * program().num_actions(), program().num_actions());
  }
  std::span<const std::uint8_t> Observation(std::size_t row) const {
    const std::size_t bytes = program().obs.num_bytes();
    return Buffer().observations.subspan(row * bytes, bytes);
  }
  // Value of the first token with this location and feature, or -1.
  int Token(std::size_t row, int location, int feature) const;
  const Buffers& Buffer() const { return buffers_; }
  std::uint64_t Digest() const;  // over all buffers

 private:
  std::unique_ptr<VecEnv> env_;
  std::vector<std::uint8_t> observations_;
  std::vector<std::uint8_t> final_observations_;
  std::vector<std::uint8_t> final_state_;
  std::vector<std::uint8_t> state_;
  std::vector<float> rewards_;
  std::unique_ptr<bool[]> flags_;
  std::vector<std::uint16_t> used_tokens_;
  Buffers buffers_;
};

// The flat index of an action.
std::int32_t Act(const GameProgram& program, std::string_view name);

// Uniform actions, now and then one that does not exist.
void FillRandomActions(std::span<std::int32_t> actions, std::size_t num_actions, std::uint64_t seed,
                       std::uint32_t step);

// Slot of a statistic; the test fails when no agent keeps it.
std::size_t StatSlot(const GameProgram& program, const std::string& name);

}  // namespace mettagrid::testing
