#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include "mettagrid/env/thread_team.h"

using namespace mettagrid;

namespace {

// Runs `rounds` rounds of two overlapping jobs over 103 items each; returns how often each item was worked on.
std::vector<int> Rounds(std::size_t threads, int rounds, std::chrono::microseconds pause) {
  constexpr std::size_t kItems = 103;
  std::vector<int> seen(2 * kItems, 0);  // plain numbers: a race would be an error under tsan
  ThreadTeam team(threads, 2, 4, [&seen](std::size_t job, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) ++seen[job * kItems + i];
  });
  CHECK(team.num_threads() == threads);
  for (int round = 0; round < rounds; ++round) {
    team.Start(0, 0, kItems);
    team.Start(1, 0, kItems);
    team.Finish(1);
    const auto job = seen.begin() + static_cast<std::ptrdiff_t>(kItems);
    CHECK(std::accumulate(job, seen.end(), 0) == (round + 1) * static_cast<int>(kItems));
    team.Finish(0);
    std::this_thread::sleep_for(pause);
  }
  return seen;
}

}  // namespace

TEST_CASE("a team works on every item once, however many threads it has and however long it rested") {
  using std::chrono::microseconds;
  for (const std::size_t threads : {1, 2, 3, 9}) {
    CHECK(Rounds(threads, 200, microseconds(0)) == std::vector<int>(206, 200));
  }
  CHECK(Rounds(2, 30, microseconds(60)) == std::vector<int>(206, 30));   // about as long as a spin
  CHECK(Rounds(2, 10, microseconds(900)) == std::vector<int>(206, 10));  // asleep in between
}

TEST_CASE("a job may be empty, smaller than the team, or a part in the middle") {
  std::atomic<std::size_t> sum{0};
  ThreadTeam team(4, 1, 100, [&sum](std::size_t, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) sum += i;
  });
  team.Finish(0);  // never started
  team.Start(0, 5, 5);
  team.Finish(0);
  CHECK(sum == 0);
  team.Start(0, 7, 9);
  team.Finish(0);
  CHECK(sum == 15);
}
