#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "mettagrid/core/hash.h"
#include "mettagrid/core/rng.h"

using namespace mettagrid;

// Known answers of the Random123 distribution (kat_vectors, philox4x32-10).
TEST_CASE("philox gives the published vectors") {
  CHECK(Philox4x32({0, 0, 0, 0}, 0) == PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffffffffffff) ==
        PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822) ==
        PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("streams differ in each part of their name and repeat themselves") {
  const auto first = [](std::uint64_t seed, std::uint32_t env, std::uint32_t episode, std::uint32_t step, Purpose use) {
    return RandomStream(seed, env, episode, step, use).Next();
  };
  const std::uint32_t base = first(1, 2, 3, 4, Purpose::kMap);
  CHECK(first(1, 2, 3, 4, Purpose::kMap) == base);
  CHECK(first(2, 2, 3, 4, Purpose::kMap) != base);
  CHECK(first(1, 3, 3, 4, Purpose::kMap) != base);
  CHECK(first(1, 2, 4, 4, Purpose::kMap) != base);
  CHECK(first(1, 2, 3, 5, Purpose::kMap) != base);
  CHECK(first(1, 2, 3, 4, Purpose::kActionOrder) != base);
}

TEST_CASE("bounded draws are in range and even") {
  RandomStream random(5, 0, 0, 0, Purpose::kMap);
  for (const std::uint32_t bound : {1U, 2U, 7U, 24U, 1U << 31}) {
    for (int i = 0; i < 200; ++i) CHECK(random.Below(bound) < bound);
  }
  std::array<int, 6> counts{};
  for (int i = 0; i < 6000; ++i) ++counts[random.Below(6)];
  for (const int count : counts) CHECK(std::abs(count - 1000) < 150);  // 5 standard deviations
}

TEST_CASE("a shuffle is a permutation, and all orders of three come up") {
  std::array<int, 6> seen{};
  for (std::uint32_t step = 0; step < 600; ++step) {
    std::array<std::uint16_t, 3> items = {0, 1, 2};
    RandomStream random(9, 0, 0, step, Purpose::kActionOrder);
    random.ShuffleFirst(std::span<std::uint16_t>(items), items.size());
    auto sorted = items;
    std::sort(sorted.begin(), sorted.end());
    CHECK(sorted == std::array<std::uint16_t, 3>{0, 1, 2});
    ++seen[static_cast<std::size_t>(items[0] * 2 + (items[1] > items[2] ? 1 : 0))];
  }
  for (const int count : seen) CHECK(count > 60);
}

TEST_CASE("a hash depends on every byte and on the length") {
  std::array<std::byte, 37> bytes{};
  const std::uint64_t base = HashBytes(bytes);
  for (auto& byte : bytes) {
    byte = std::byte{1};
    CHECK(HashBytes(bytes) != base);
    byte = std::byte{0};
  }
  CHECK(HashBytes(std::span(bytes).first(36)) != base);
  CHECK(HashBytes(bytes) == base);
}
