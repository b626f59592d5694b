// Steps a batch of crowded games at random and checks invariants after each step: one thing a cell, limits kept, masks
// honest. Meant for the sanitizers; also a quick search for broken worlds: random_steps <steps> <seed>.

#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "games.h"

namespace {

using namespace mettagrid;
using namespace mettagrid::testing;

constexpr std::size_t kEnvs = 8;

void Require(bool holds, const char* what, std::size_t step, std::size_t env) {
  if (holds) return;
  std::fprintf(stderr, "step %zu, environment %zu: %s\n", step, env, what);
  std::exit(1);
}

void CheckWorld(const World& world, std::size_t step, std::size_t env) {
  const GameProgram& program = *world.program;
  std::set<CellIndex> taken;
  for (std::size_t i = 0; i < program.num_agents; ++i) {
    const CellIndex cell = world.agents.cell[i];
    Require(taken.insert(cell).second, "two agents in one cell", step, env);
    Require(world.cells[cell] == program.CodeOf(AgentId(i)), "an agent is not where it thinks", step, env);
    for (std::size_t item = 0; item < program.num_resources(); ++item) {
      Require(world.Inventory(AgentId(i))[item] <= program.agent_rules[0].resource_limits[item], "a limit is broken",
              step, env);
    }
  }
  for (CellIndex cell = 0; cell < program.map.num_cells(); ++cell) {
    const bool thing = world.cells[cell] != kEmpty && world.cells[cell] != kOutside;
    const bool bit = (world.occupied[cell / 8] >> (cell % 8) & 1) != 0;
    Require(thing == bit, "the occupancy set is wrong", step, env);
  }
}

void Run(const GameConfig& config, std::size_t steps, std::uint64_t seed) {
  Batch batch(config, kEnvs, 2, 2, true);
  batch.Reset(seed);
  const std::size_t agents = batch.program().num_agents;
  std::vector<std::int32_t> actions(batch.env().num_rows());
  std::vector<bool> masked_out(actions.size());
  for (std::size_t step = 0; step < steps; ++step) {
    FillRandomActions(actions, batch.program().num_actions(), seed, static_cast<std::uint32_t>(step));
    for (std::size_t row = 0; row < actions.size(); ++row) {
      const auto index = static_cast<std::size_t>(actions[row]);
      masked_out[row] = index >= batch.program().num_actions() || !batch.Mask(row)[index];
    }
    batch.Step(actions);
    for (std::size_t row = 0; row < actions.size(); ++row) {
      const bool success = batch.Buffer().action_success[row];
      Require(!(masked_out[row] && success), "an action succeeded that the mask ruled out", step, row / agents);
      const bool noop = actions[row] == 0 && !batch.Buffer().first[row];
      Require(!noop || success, "noop failed", step, row / agents);
    }
    for (std::size_t env = 0; env < kEnvs; ++env) CheckWorld(batch.env().env(env).world(), step, env);
    if (step % 97 == 0) {
      const auto bytes = batch.env().Snapshot(step % kEnvs);
      const std::vector<std::byte> copy(bytes.begin(), bytes.end());
      const std::uint64_t digest = batch.Digest();
      batch.env().Restore(step % kEnvs, copy);
      Require(batch.Digest() == digest, "restoring a snapshot changed what was returned", step, step % kEnvs);
    }
  }
  const auto records = batch.env().DrainEpisodes();
  std::printf("%zu steps of %zu environments, %zu episodes\n", steps, kEnvs, records.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t steps = argc > 1 ? std::stoul(argv[1]) : 10000;
  const std::uint64_t seed = argc > 2 ? std::stoul(argv[2]) : 7;
  GameConfig crowded = BrawlConfig();
  Run(crowded, steps / 2, seed);
  crowded.obs = {.width = 15, .height = 13, .num_tokens = 24};
  crowded.actions.move.consumed_resources = {{"ore_red", 1}};
  Run(crowded, steps / 4, seed + 1);
  Run(ArenaConfig(13), steps - steps / 2 - steps / 4, seed + 2);
  return 0;
}
