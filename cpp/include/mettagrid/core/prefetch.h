#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace mettagrid {

inline constexpr std::size_t kCacheLineBytes = 64;

// Asks for bytes that are read soon, portion by portion between other work. Only a hint: results never depend on it.
class Prefetcher {
 public:
  Prefetcher(std::span<const std::byte> bytes, std::size_t portions)
      : left_(bytes), portion_((bytes.size() / portions + kCacheLineBytes) / kCacheLineBytes * kCacheLineBytes) {}

  void AskForMore() {
    const auto asked = left_.first(std::min(portion_, left_.size()));
#if defined(__GNUC__)
    for (std::size_t i = 0; i < asked.size(); i += kCacheLineBytes) __builtin_prefetch(asked.data() + i, 0, 2);
#endif
    left_ = left_.subspan(asked.size());
  }

 private:
  std::span<const std::byte> left_;
  std::size_t portion_;
};

}  // namespace mettagrid
