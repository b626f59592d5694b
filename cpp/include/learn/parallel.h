#pragma once

#ifndef _OPENMP
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>
#endif

#include "learn/flush_denormals.h"

namespace mettagrid::learn {

// Calls share(0) ... share(num_threads - 1), at the same time where possible, and returns when all are done. A share
// must not wait for others: with too few threads they run one after the other. Denormal numbers are 0 in them.
template <typename Share>
void RunOnThreads(int num_threads, const Share& share) {
  const auto work = [&share](int index) {
    const FlushDenormals flush;
    share(index);
  };
  if (num_threads <= 1) {
    work(0);
    return;
  }
#ifdef _OPENMP
#pragma omp parallel for num_threads(num_threads) schedule(static, 1)
  for (int index = 0; index < num_threads; ++index) work(index);
#else
  std::vector<std::thread> threads;
  int next = 1;
  try {
    threads.reserve(static_cast<std::size_t>(num_threads - 1));
    for (; next < num_threads; ++next) threads.emplace_back(work, next);
  } catch (const std::system_error&) {  // no more threads to be had: the shares left over are done below
  }
  work(0);
  for (; next < num_threads; ++next) work(next);
  for (std::thread& thread : threads) thread.join();
#endif
}

}  // namespace mettagrid::learn
