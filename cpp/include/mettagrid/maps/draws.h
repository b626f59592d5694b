#pragma once

#include <bit>
#include <cstdint>

#include "mettagrid/core/rng.h"

// Random numbers of other shapes than RandomStream's. Only integers and the exact IEEE operations, so that every
// platform draws the same map: no libm, no std distributions.

namespace mettagrid::maps {

// log2 in units of 2^-16.
using FixedLog = std::int64_t;
inline constexpr FixedLog kOneBit = 1 << 16;

// floor(2^16 * log2(value)) up to 2^-16, value >= 1: the integer part by the highest bit, the rest bit by bit by
// squaring.
constexpr FixedLog Log2Fixed(std::uint32_t value) {
  const int exponent = std::bit_width(value) - 1;
  std::uint64_t mantissa = static_cast<std::uint64_t>(value) << (31 - exponent);  // in [2^31, 2^32)
  FixedLog fraction = 0;
  for (int bit = 15; bit >= 0; --bit) {
    mantissa = (mantissa * mantissa) >> 31;
    if (mantissa >> 32 != 0) {
      mantissa >>= 1;
      fraction |= FixedLog{1} << bit;
    }
  }
  return exponent * kOneBit + fraction;
}

// Uniform in [0, 1), in steps of 2^-32.
inline double Uniform(RandomStream& random) { return static_cast<double>(random.Next()) * 0x1p-32; }

// Uniform integer in [least, most].
inline int Between(RandomStream& random, int least, int most) {
  return least + static_cast<int>(random.Below(static_cast<std::uint32_t>(most - least) + 1U));
}

// -log2 of a uniform number in (0, 1]: exponential with mean 1 / ln 2.
inline FixedLog NegLog2Uniform(RandomStream& random) {
  const std::uint32_t word = random.Next();
  return 32 * kOneBit - (word == 0xFFFFFFFFU ? 32 * kOneBit : Log2Fixed(word + 1U));
}

// Poisson with mean `mean`: arrivals of exponential gaps within a span of `mean`.
inline int Poisson(RandomStream& random, double mean) {
  constexpr double kBitsPerNat = 1.4426950408889634;
  const auto span = static_cast<FixedLog>(mean * kBitsPerNat * static_cast<double>(kOneBit));
  int count = 0;
  for (FixedLog passed = NegLog2Uniform(random); passed <= span; passed += NegLog2Uniform(random)) ++count;
  return count;
}

}  // namespace mettagrid::maps
