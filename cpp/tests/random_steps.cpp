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
    const AgentRules& rules = world.RulesOf(AgentId(i));
    for (std::size_t item = 0; item < program.num_resources(); ++item) {
      Require(world.Inventory(AgentId(i))[item] <= rules.resource_limits[item], "a limit is broken", step, env);
    }
    const CellIndex cell = world.agents.cell[i];
    Require(world.IsHere(AgentId(i)) == (cell != kNowhere), "an agent is on the map and away at once", step, env);
    if (cell == kNowhere) continue;
    Require(taken.insert(cell).second, "two agents in one cell", step, env);
    Require(world.cells[cell] == program.CodeOf(AgentId(i)), "an agent is not where it thinks", step, env);
  }
  for (CellIndex cell = 0; cell < program.map.num_cells(); ++cell) {
    const bool thing = world.cells[cell] != kEmpty && world.cells[cell] != kOutside;
    const bool bit = (world.occupied[cell / 8] >> (cell % 8) & 1) != 0;
    Require(thing == bit, "the occupancy set is wrong", step, env);
  }
}

bool IsAway(const Batch& batch, std::size_t row) {
  const auto used = batch.Buffer().used_tokens[row];
  return batch.program().obs.kind == ObservationKind::kTokens && used == 0;
}

void Run(const GameConfig& config, std::size_t steps, std::uint64_t seed, bool same_step = false) {
  Batch batch(config, kEnvs, 2, 2, true, same_step);
  batch.Reset(seed);
  const std::size_t agents = batch.program().num_agents;
  std::vector<std::int32_t> actions(batch.env().num_rows());
  std::vector<bool> masked_out(actions.size());
  std::vector<bool> was_away(actions.size());
  for (std::size_t step = 0; step < steps; ++step) {
    FillRandomActions(actions, batch.program().num_actions(), seed, static_cast<std::uint32_t>(step));
    for (std::size_t row = 0; row < actions.size(); ++row) {
      const auto index = static_cast<std::size_t>(actions[row]);
      was_away[row] = IsAway(batch, row);
      masked_out[row] = index >= batch.program().num_actions() || !batch.Mask(row)[index];
    }
    batch.Step(actions);
    for (std::size_t row = 0; row < actions.size(); ++row) {
      const bool success = batch.Buffer().action_success[row];
      Require(!(masked_out[row] && success), "an action succeeded that the mask ruled out", step, row / agents);
      const bool noop = actions[row] == 0 && !batch.Buffer().first[row] && !was_away[row];
      Require(!noop || success, "noop failed", step, row / agents);
      Require(!(was_away[row] && success), "an absent agent acted", step, row / agents);
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
  Run(crowded, steps / 4, seed);
  crowded.obs = {.width = 15, .height = 13, .num_tokens = 24};
  crowded.actions.move.consumed_resources = {{"ore_red", 1}};
  Run(crowded, steps / 8, seed + 1);
  Run(ArenaConfig(13), steps / 8, seed + 2);
  for (const bool same_step : {false, true}) Run(BedlamConfig(), steps / 4, seed + 3, same_step);
  return 0;
}
