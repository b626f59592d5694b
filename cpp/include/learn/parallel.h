#pragma once

#include <system_error>
#include <thread>
#include <vector>

namespace mettagrid::learn {

// Calls work(0) ... work(num_threads - 1) at the same time and returns when all are done.
//
// Threads are started per call (about 15 us each): no pool that a fork would leave dead, nothing to shut down. Shares
// whose thread cannot be started run on the caller, so `work` must not wait for other shares.
template <typename Work>
void RunOnThreads(int num_threads, const Work& work) {
  std::vector<std::thread> threads;
  int next = 1;
  try {
    threads.reserve(num_threads > 1 ? static_cast<std::size_t>(num_threads - 1) : 0);
    for (; next < num_threads; ++next) threads.emplace_back(work, next);
  } catch (const std::system_error&) {  // no more threads to be had: the shares left over are done below
  }
  work(0);
  for (; next < num_threads; ++next) work(next);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace mettagrid::learn
