#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace mettagrid {

inline constexpr std::size_t kCacheLineBytes = 64;

// Asks for bytes that are read soon. Only a hint: results never depend on it.
inline void Prefetch(std::span<const std::byte> bytes) {
#if defined(__GNUC__)
  for (std::size_t i = 0; i < bytes.size(); i += kCacheLineBytes) __builtin_prefetch(bytes.data() + i, 0, 2);
#else
  static_cast<void>(bytes);
#endif
}

// Asks for bytes that are read soon, portion by portion between other work.
class Prefetcher {
 public:
  Prefetcher(std::span<const std::byte> bytes, std::size_t portions)
      : left_(bytes), portion_((bytes.size() / portions + kCacheLineBytes) / kCacheLineBytes * kCacheLineBytes) {}

  void AskForMore() {
    const auto asked = left_.first(std::min(portion_, left_.size()));
    Prefetch(asked);
    left_ = left_.subspan(asked.size());
  }

 private:
  std::span<const std::byte> left_;
  std::size_t portion_;
};

}  // namespace mettagrid
