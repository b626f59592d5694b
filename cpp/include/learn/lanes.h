#pragma once

#include <cstdint>

// Vectors of sixteen floats for kernels: GCC and clang lower them to whatever the instruction set has. Functions here
// are inlined into LEARN_CLONES functions and take references, since a vector argument would be part of an ABI.
#define LEARN_INLINE inline __attribute__((always_inline))

namespace mettagrid::learn {

// may_alias and aligned(4) let it read any float array.
using Lane = float __attribute__((vector_size(64), aligned(4), may_alias));
using IntLane = std::int32_t __attribute__((vector_size(64), aligned(4), may_alias));
constexpr std::int64_t kLane = 16;

constexpr std::int64_t RoundUpToLanes(std::int64_t size) { return (size + kLane - 1) / kLane * kLane; }

LEARN_INLINE Lane* LaneAt(float* at) { return reinterpret_cast<Lane*>(at); }
LEARN_INLINE const Lane* LaneAt(const float* at) { return reinterpret_cast<const Lane*>(at); }

// exp(x) for x <= 0; what is below -87 counts as that. x = n ln 2 + r; a polynomial for e^r, 2^n by its bits.
LEARN_INLINE void Exponentiate(Lane& x) {
  const Lane lowest = Lane{} - 87.0F;
  x = x < lowest ? lowest : x;
  const Lane n = (x * 1.44269504F + 12582912.0F) - 12582912.0F;  // to the nearest integer
  const Lane r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  Lane p = r * 1.98412698e-4F + 1.38888889e-3F;
  p = p * r + 8.33333333e-3F;
  p = p * r + 4.16666667e-2F;
  p = p * r + 1.66666667e-1F;
  p = p * r + 0.5F;
  p = p * r * r + r + 1.0F;
  const IntLane bits = (__builtin_convertvector(n, IntLane) + 127) << 23;
  x = p * reinterpret_cast<const Lane&>(bits);
}

LEARN_INLINE float SumOf(const Lane& lane) {
  float parts[4] = {};
  for (int i = 0; i < kLane; ++i) parts[i % 4] += lane[i];
  return (parts[0] + parts[1]) + (parts[2] + parts[3]);
}

}  // namespace mettagrid::learn
