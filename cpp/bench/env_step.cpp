// Steps a batch of arenas with random actions and prints agent-steps per second of wall and of CPU time:
// bench_env_step [envs=64] [threads=1] [repeats=5] [agents=24]

#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>

#include "games.h"
#include "mettagrid/core/rng.h"

namespace {

using namespace mettagrid;
using namespace mettagrid::testing;

std::size_t Argument(int argc, char** argv, int position, std::size_t otherwise) {
  return argc > position ? std::stoul(argv[position]) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t kActionSets = 64;
  const std::size_t envs = Argument(argc, argv, 1, 64);
  const std::size_t threads = Argument(argc, argv, 2, 1);
  const std::size_t repeats = Argument(argc, argv, 3, 5);
  const std::size_t agents = Argument(argc, argv, 4, 24);
  Batch batch(ArenaConfig(static_cast<std::int64_t>(agents)), envs, 1, threads, true);
  batch.Reset(0);
  const std::size_t rows = batch.env().num_rows();
  std::vector<std::vector<std::int32_t>> actions(kActionSets, std::vector<std::int32_t>(rows));
  for (std::size_t i = 0; i < kActionSets; ++i) {
    RandomStream random(1, 0, 0, static_cast<std::uint32_t>(i), Purpose::kMap);
    for (auto& action : actions[i]) {
      action = static_cast<std::int32_t>(random.Below(static_cast<std::uint32_t>(batch.program().num_actions())));
    }
  }
  const std::size_t steps = 2'000'000 / rows + 1;
  for (std::size_t repeat = 0; repeat < repeats; ++repeat) {
    const auto wall = std::chrono::steady_clock::now();
    const std::clock_t cpu = std::clock();
    for (std::size_t step = 0; step < steps; ++step) batch.Step(actions[step % kActionSets]);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count();
    const double cpu_seconds = static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC;
    const double agent_steps = static_cast<double>(steps * rows);
    std::printf("%.2f M/s wall, %.2f M/s CPU, %.1f ns CPU\n", agent_steps / seconds / 1e6,
                agent_steps / cpu_seconds / 1e6, cpu_seconds / agent_steps * 1e9);
    batch.env().DrainEpisodes();
  }
  return 0;
}
