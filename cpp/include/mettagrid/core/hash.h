#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mettagrid {

// 64-bit hash of bytes, for comparing states and telling layouts apart. Not for adversaries.
std::uint64_t HashBytes(std::span<const std::byte> bytes, std::uint64_t seed = 0);

}  // namespace mettagrid
