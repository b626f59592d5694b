#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#elif defined(__aarch64__)
#include <cstdint>
#endif

namespace mettagrid::learn {

// While it lives, this thread takes numbers below the smallest normal one for 0. Gradients that fade over many steps of
// a recurrence end there, and arithmetic on them takes a hundred times as long.
class FlushDenormals {
 public:
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

#if defined(__x86_64__)
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040U); }  // results and operands
  ~FlushDenormals() { _mm_setcsr(before_); }

 private:
  unsigned int before_;
#elif defined(__aarch64__)
  FlushDenormals() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(before_));
    __asm__ volatile("msr fpcr, %0" : : "r"(before_ | (std::uint64_t{1} << 24)));
  }
  ~FlushDenormals() { __asm__ volatile("msr fpcr, %0" : : "r"(before_)); }

 private:
  std::uint64_t before_ = 0;
#else
  FlushDenormals() {}
  ~FlushDenormals() {}
#endif
};

}  // namespace mettagrid::learn
