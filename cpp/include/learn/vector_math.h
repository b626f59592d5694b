#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

namespace mettagrid::learn {

// exp(x) for -87 <= x <= 88, within 2 units in the last place. Plain arithmetic, so that loops over it vectorise.
//   x = n ln 2 + r with |r| <= ln 2 / 2; exp(r) by its Taylor polynomial; 2^n by the exponent's bits.
inline float ExpWithin(float x) {
  constexpr float kRounder = 12582912.0F;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const float shifted = x * 1.44269504F + kRounder;
  const float n = shifted - kRounder;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.98412698e-4F;
  p = p * r + 1.38888889e-3F;
  p = p * r + 8.33333333e-3F;
  p = p * r + 4.16666667e-2F;
  p = p * r + 1.66666667e-1F;
  p = p * r + 0.5F;
  p = p * r * r + r + 1.0F;
  const auto exponent = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) + 127) << 23;
  return p * std::bit_cast<float>(exponent);
}

// exp(x) for x <= 0; 0 below -87.
inline float ExpOfNegative(float x) {
  const float value = ExpWithin(std::max(x, -87.0F));
  return x < -87.0F ? 0.0F : value;
}

// exp(x) for any x: 0 below -87, infinite above 88; what is not a number stays so.
inline float Exp(float x) {
  const float value = ExpWithin(std::min(std::max(-87.0F, x), 88.0F));
  const float bounded = x < -87.0F ? 0.0F : (x > 88.0F ? std::numeric_limits<float>::infinity() : value);
  return x == x ? bounded : x;
}

}  // namespace mettagrid::learn
