#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mettagrid {

// Parts of a step, in their order.
enum class Phase : std::uint8_t {
  kReset = 0,
  kTimedEvents = 1,
  kActions = 2,
  kSystems = 3,
  kRewards = 4,
  kTokenRuns = 5,
  kObservations = 6,
  kMasks = 7,
  kRecords = 8,
};
inline constexpr std::array kPhaseNames = {"reset",      "timed_events", "actions", "systems", "rewards",
                                           "token_runs", "observations", "masks",   "records"};

// What the usual step is compiled with: nothing is left of it.
struct NoPhases {
  void End(Phase) {}
};

// Adds up how long each phase took. The clock's own time is in it, once an End.
class PhaseTimes {
 public:
  using Clock = std::chrono::steady_clock;

  void Begin() { last_ = Clock::now(); }
  void End(Phase phase) {
    const auto now = Clock::now();
    Entry& entry = entries_[static_cast<std::size_t>(phase)];
    entry.nanoseconds += static_cast<std::uint64_t>(std::chrono::nanoseconds(now - last_).count());
    ++entry.count;
    last_ = now;
  }

  struct Entry {
    std::uint64_t nanoseconds = 0;
    std::uint64_t count = 0;
  };
  const std::array<Entry, kPhaseNames.size()>& entries() const { return entries_; }

 private:
  std::array<Entry, kPhaseNames.size()> entries_{};
  Clock::time_point last_;
};

}  // namespace mettagrid
