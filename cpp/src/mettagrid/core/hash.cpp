#include "mettagrid/core/hash.h"

#include <bit>
#include <cstring>

namespace mettagrid {
namespace {

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87U;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4FU;

std::uint64_t Mix(std::uint64_t hash, std::uint64_t word) {
  return std::rotl(hash ^ (word * kPrime1), 31) * kPrime2 + 0x165667B19E3779F9U;
}

}  // namespace

std::uint64_t HashBytes(std::span<const std::byte> bytes, std::uint64_t seed) {
  // Two lanes, so that one multiplication need not wait for the other.
  std::uint64_t lanes[2] = {seed + kPrime1, seed ^ kPrime2};
  std::size_t position = 0;
  for (; position + 16 <= bytes.size(); position += 16) {
    std::uint64_t words[2];
    std::memcpy(words, bytes.data() + position, 16);
    lanes[0] = Mix(lanes[0], words[0]);
    lanes[1] = Mix(lanes[1], words[1]);
  }
  std::uint64_t hash = Mix(lanes[0], lanes[1] ^ bytes.size());
  for (; position < bytes.size(); ++position) {
    hash = Mix(hash, static_cast<std::uint64_t>(bytes[position]));
  }
  hash ^= hash >> 33;
  hash *= kPrime2;
  return hash ^ (hash >> 29);
}

}  // namespace mettagrid
