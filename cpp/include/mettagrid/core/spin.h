#pragma once

#include <chrono>

namespace mettagrid {

// Tells the core that this is a waiting loop: it saves power and leaves room to a sibling thread.
inline void CpuRelax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Whether `condition` came true within `limit`; asks without sleeping.
template <class Condition>
bool SpinUntil(std::chrono::nanoseconds limit, Condition&& condition) {
  constexpr int kAsksPerClock = 16;  // the clock costs about as much as one pause
  const auto deadline = std::chrono::steady_clock::now() + limit;
  do {
    for (int i = 0; i < kAsksPerClock; ++i) {
      if (condition()) return true;
      CpuRelax();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return condition();
}

}  // namespace mettagrid
