#include "mettagrid/env/thread_team.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "mettagrid/core/check.h"
#include "mettagrid/core/spin.h"

namespace mettagrid {
namespace {

using std::chrono::steady_clock;

// Waking a sleeping thread costs about as long as this.
constexpr std::chrono::microseconds kSpin{50};
// A pause as long as this, the waking included, would have been bridged by spinning for kSpin.
constexpr std::chrono::microseconds kShortPause{150};

constexpr std::uint64_t Pack(std::uint32_t first, std::uint32_t end) { return std::uint64_t{end} << 32 | first; }

}  // namespace

ThreadTeam::ThreadTeam(std::size_t num_threads, std::size_t num_jobs, std::size_t max_chunk, Work work)
    : work_(std::move(work)),
      max_chunk_(std::max<std::size_t>(1, max_chunk)),
      may_spin_(num_threads <= std::thread::hardware_concurrency()),
      num_threads_(num_threads),
      jobs_(num_jobs) {
  for (Job& job : jobs_) job.shares = std::make_unique<Share[]>(num_threads);
  for (std::size_t i = 0; i + 1 < num_threads; ++i) workers_.emplace_back([this, i] { WorkerLoop(i); });
}

ThreadTeam::~ThreadTeam() {
  stopping_.store(true);
  starts_.fetch_add(1);
  starts_.notify_all();
}

void ThreadTeam::Start(std::size_t index, std::size_t begin, std::size_t end) {
  Job& job = jobs_[index];
  MG_DCHECK(job.unfinished.load() == 0);
  const std::size_t count = end - begin;
  job.unfinished.store(static_cast<std::uint32_t>(count), std::memory_order_relaxed);
  for (std::size_t i = 0; i < num_threads_; ++i) {
    const auto first = static_cast<std::uint32_t>(begin + count * i / num_threads_);
    const auto last = static_cast<std::uint32_t>(begin + count * (i + 1) / num_threads_);
    // Releases what the caller prepared: whoever takes a chunk has acquired it.
    job.shares[i].left.store(Pack(first, last), std::memory_order_release);
  }
  if (workers_.empty()) return;
  starts_.fetch_add(1);
  starts_.notify_all();  // a system call only when somebody sleeps
}

void ThreadTeam::Finish(std::size_t index) {
  while (WorkOn(index, workers_.size())) {
  }
  std::atomic<std::uint32_t>& unfinished = jobs_[index].unfinished;
  const auto is_done = [&unfinished] { return unfinished.load(std::memory_order_acquire) == 0; };
  if (is_done() || (may_spin_ && SpinUntil(kSpin, is_done))) return;
  for (std::uint32_t left = unfinished.load(); left != 0; left = unfinished.load()) unfinished.wait(left);
}

bool ThreadTeam::Take(Share& share, bool own, std::uint32_t& begin, std::uint32_t& end) const {
  std::uint64_t left = share.left.load(std::memory_order_relaxed);
  while (true) {
    const auto first = static_cast<std::uint32_t>(left);
    const auto last = static_cast<std::uint32_t>(left >> 32);
    if (first == last) return false;
    const std::uint32_t half = (last - first + 1) / 2;
    const std::uint32_t taken = std::min(half, static_cast<std::uint32_t>(max_chunk_));
    begin = own ? first : last - taken;
    end = begin + taken;
    const std::uint64_t rest = own ? Pack(end, last) : Pack(first, begin);
    if (share.left.compare_exchange_weak(left, rest, std::memory_order_acquire, std::memory_order_relaxed)) return true;
  }
}

bool ThreadTeam::WorkOn(std::size_t index, std::size_t worker) {
  Job& job = jobs_[index];
  for (std::size_t i = 0; i < num_threads_; ++i) {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    if (!Take(job.shares[(worker + i) % num_threads_], i == 0, begin, end)) continue;
    work_(index, begin, end);
    // The last one is read by Finish; the others' writes reach it through the chain of these.
    if (job.unfinished.fetch_sub(end - begin, std::memory_order_acq_rel) == end - begin) job.unfinished.notify_all();
    return true;
  }
  return false;
}

void ThreadTeam::WorkerLoop(std::size_t worker) {
  bool spins = may_spin_;
  while (true) {
    const std::uint32_t seen = starts_.load();
    if (stopping_.load()) return;
    bool found = false;
    for (std::size_t job = 0; job < jobs_.size(); ++job) {
      while (WorkOn(job, worker)) found = true;
    }
    if (found) continue;
    const auto idle_since = steady_clock::now();
    const bool started = spins && SpinUntil(kSpin, [this, seen] { return starts_.load() != seen; });
    if (!started) starts_.wait(seen);
    spins = may_spin_ && steady_clock::now() - idle_since < kShortPause;
  }
}

}  // namespace mettagrid
