#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

namespace mettagrid {

using PhiloxBlock = std::array<std::uint32_t, 4>;

// Philox4x32-10: four random words as a pure function of counter and key.
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
PhiloxBlock Philox4x32(PhiloxBlock counter, std::uint64_t key);

// What a stream is for. Part of the counter, so that streams of one step never overlap.
enum class Purpose : std::uint32_t {
  kMap = 1,
  kActionOrder = 2,
  kDesync = 3,
  kCost = 4,
  kResourceLoss = 5,
  kUpkeep = 6,
  kClipper = 7,
  kPlacement = 8,
  kPopulation = 9,
  kGrowth = 10,
  kScene = 32,
  kPool = 33
};

// Words numbered by (seed, environment, episode, step, purpose): the same whichever thread draws them, and whenever.
class RandomStream {
 public:
  // `lane` tells apart streams of one purpose in one step, such as those of agents: each may draw 1,024 words.
  RandomStream(std::uint64_t seed, std::uint32_t env, std::uint32_t episode, std::uint32_t step, Purpose purpose,
               std::uint16_t lane = 0)
      : counter_{env, episode, step, static_cast<std::uint32_t>(purpose) << 24 | std::uint32_t{lane} << 8},
        key_(seed) {}

  std::uint32_t Next() {
    if (used_ == 4) Refill();
    return block_[used_++];
  }

  // Uniform in [0, bound), unbiased; bound >= 1.
  // Source: Lemire, "Fast random integer generation in an interval", ACM TOMACS 2019, algorithm 5.
  std::uint32_t Below(std::uint32_t bound) {
    std::uint64_t product = static_cast<std::uint64_t>(Next()) * bound;
    auto low = static_cast<std::uint32_t>(product);
    if (low < bound) {
      const std::uint32_t threshold = (0U - bound) % bound;
      while (low < threshold) {
        product = static_cast<std::uint64_t>(Next()) * bound;
        low = static_cast<std::uint32_t>(product);
      }
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

  // Fisher-Yates for the first `count` positions: afterwards they hold a uniform ordered sample of `items`.
  template <class T>
  void ShuffleFirst(std::span<T> items, std::size_t count) {
    const std::size_t size = items.size();
    for (std::size_t i = 0; i < count && i + 1 < size; ++i) {
      std::swap(items[i], items[i + Below(static_cast<std::uint32_t>(size - i))]);
    }
  }

 private:
  void Refill() {
    block_ = Philox4x32(counter_, key_);
    ++counter_[3];
    used_ = 0;
  }

  PhiloxBlock counter_;
  std::uint64_t key_;
  PhiloxBlock block_{};
  std::uint32_t used_ = 4;
};

}  // namespace mettagrid
