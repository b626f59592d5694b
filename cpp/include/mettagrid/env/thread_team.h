#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace mettagrid {

// Threads that share the work of a few jobs, each a range of items; the thread that calls Finish is one of them.
//
// Every thread has its own share of a job and takes chunks from its front; who is done takes from the end of another's
// share, so that an item tends to stay with its thread, in whose cache it lies. Taking is one compare-and-swap. Idle
// threads spin for some tens of microseconds, but only while the pauses between jobs have been that short, and sleep
// otherwise. Start, Finish and the destructor are for one thread.
class ThreadTeam {
 public:
  // Works on items [begin, end) of a job; called from any thread of the team. Must not throw.
  using Work = std::function<void(std::size_t job, std::size_t begin, std::size_t end)>;

  // `max_chunk`: items taken at once, at most; fewer near the end, so that the threads finish together.
  ThreadTeam(std::size_t num_threads, std::size_t num_jobs, std::size_t max_chunk, Work work);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  // Hands out items [begin, end) and returns; the job must be finished.
  void Start(std::size_t job, std::size_t begin, std::size_t end);
  // Works along until every item of the job is done. What the threads wrote is visible afterwards.
  void Finish(std::size_t job);

  std::size_t num_threads() const { return workers_.size() + 1; }

 private:
  static constexpr std::size_t kLine = 64;  // one cache line each, so that threads do not disturb each other

  struct alignas(kLine) Share {
    std::atomic<std::uint64_t> left{0};  // items that nobody has taken: first in the low half, end in the high half
  };
  struct alignas(kLine) Job {
    std::atomic<std::uint32_t> unfinished{0};
    std::unique_ptr<Share[]> shares;
  };

  void WorkerLoop(std::size_t worker);
  bool WorkOn(std::size_t job, std::size_t worker);
  bool Take(Share& share, bool own, std::uint32_t& begin, std::uint32_t& end) const;

  const Work work_;
  const std::size_t max_chunk_;
  const bool may_spin_;  // not with more threads than cores: the thread waited for may need this core
  std::size_t num_threads_;
  std::vector<Job> jobs_;
  alignas(kLine) std::atomic<std::uint32_t> starts_{0};
  std::atomic<bool> stopping_{false};
  std::vector<std::jthread> workers_;
};

}  // namespace mettagrid
