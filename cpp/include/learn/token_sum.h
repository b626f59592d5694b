#pragma once

#include <cstddef>
#include <cstdint>

namespace mettagrid::learn {

// A token that counts.
struct TokenEntry {
  std::int32_t row;  // of a table
  float weight;
};

// Tokens of an observation up to the last one that is not all 0xFF: unused tokens stand at the end.
std::int64_t UsedTokens(const std::uint8_t* obs, std::int64_t num_tokens);

// out = start + sum over entries, in their order, of weight * vectors[row]. `out` may be `start`.
// No sum across lanes and no fused multiply-add: bits do not depend on the instruction set.
void AddVectors(const TokenEntry* entries, std::size_t count, const float* vectors, std::int64_t width,
                const float* start, float* out);

}  // namespace mettagrid::learn
