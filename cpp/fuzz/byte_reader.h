#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mettagrid::fuzz {

// Reads decisions from a fuzzer's bytes. After the end everything is zero, so that every input means something and a
// shorter one is never worse.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) : left_(bytes) {}

  bool empty() const { return left_.empty(); }

  std::uint8_t Byte() {
    if (left_.empty()) return 0;
    const std::uint8_t byte = left_.front();
    left_ = left_.subspan(1);
    return byte;
  }

  std::uint64_t Word(std::size_t num_bytes) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < num_bytes; ++i) word = word << 8 | Byte();
    return word;
  }

  // In [0, bound); bound >= 1.
  std::size_t Below(std::size_t bound) { return static_cast<std::size_t>(Word(bound > 256 ? 2 : 1) % bound); }

 private:
  std::span<const std::uint8_t> left_;
};

}  // namespace mettagrid::fuzz
