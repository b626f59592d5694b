#include "coverage.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace mettagrid::fuzz {
namespace {

constexpr std::size_t kMapSize = 1 << 16;

std::array<std::uint8_t, kMapSize> counts;   // of this input, saturating
std::array<std::uint8_t, kMapSize> classes;  // bit set of the orders of magnitude seen so far
thread_local std::uintptr_t previous = 0;

}  // namespace

void StartInput() {
  counts.fill(0);
  previous = 0;
}

bool FoundNew() {
  bool found = false;
  for (std::size_t i = 0; i < kMapSize; ++i) {
    if (counts[i] == 0) continue;
    const auto order = static_cast<std::uint8_t>(1U << (std::bit_width(counts[i]) - 1));  // 1, 2-3, 4-7, ...
    found |= (classes[i] & order) == 0;
    classes[i] |= order;
  }
  return found;
}

std::size_t NumEdges() {
  return static_cast<std::size_t>(std::ranges::count_if(classes, [](std::uint8_t seen) { return seen != 0; }));
}

}  // namespace mettagrid::fuzz

// Called at each basic block of what was compiled for coverage.
extern "C" void __sanitizer_cov_trace_pc() {
  using namespace mettagrid::fuzz;
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
  std::uint8_t& count = counts[(here ^ (previous >> 1) ^ (here >> 16)) % kMapSize];
  if (count < 255) ++count;
  previous = here << 1 ^ here >> 3;
}
