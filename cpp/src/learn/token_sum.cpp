#include "learn/token_sum.h"

#include <cstring>

#include "learn/clones.h"
#include "learn/lanes.h"

namespace mettagrid::learn {
namespace {

// Columns [column, column + N lanes), kept in registers over all entries.
template <int N>
LEARN_INLINE void AddLanes(const TokenEntry* entries, std::size_t count, const float* vectors, std::int64_t width,
                           const float* start, float* out) {
  Lane sum[N];
  for (int i = 0; i < N; ++i) sum[i] = *reinterpret_cast<const Lane*>(start + i * kLane);
  for (std::size_t e = 0; e < count; ++e) {
    const float* vector = vectors + entries[e].row * width;
    const float weight = entries[e].weight;
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) sum[i] += weight * *reinterpret_cast<const Lane*>(vector + i * kLane);
  }
  for (int i = 0; i < N; ++i) *reinterpret_cast<Lane*>(out + i * kLane) = sum[i];
}

}  // namespace

std::int64_t UsedTokens(const std::uint8_t* obs, std::int64_t num_tokens) {
  auto size = static_cast<std::size_t>(num_tokens) * 3;
  std::uint64_t word = 0;
  while (size >= sizeof(word)) {
    std::memcpy(&word, obs + size - sizeof(word), sizeof(word));
    if (word != ~std::uint64_t{0}) break;
    size -= sizeof(word);
  }
  return static_cast<std::int64_t>((size + 2) / 3);
}

LEARN_CLONES void AddVectors(const TokenEntry* entries, std::size_t count, const float* vectors, std::int64_t width,
                             const float* start, float* out) {
  std::int64_t c = 0;
  for (; c + 4 * kLane <= width; c += 4 * kLane) AddLanes<4>(entries, count, vectors + c, width, start + c, out + c);
  for (; c + kLane <= width; c += kLane) AddLanes<1>(entries, count, vectors + c, width, start + c, out + c);
  for (; c < width; ++c) {
    float sum = start[c];
    for (std::size_t e = 0; e < count; ++e) sum += entries[e].weight * vectors[entries[e].row * width + c];
    out[c] = sum;
  }
}

}  // namespace mettagrid::learn
