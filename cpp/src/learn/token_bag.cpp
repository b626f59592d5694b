#include "learn/token_bag.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include "learn/clones.h"
#include "learn/parallel.h"

namespace mettagrid::learn {
namespace {

struct Entry {
  std::int32_t row;
  float weight;
};

// Eight floats. GCC and clang lower it to whatever the instruction set has; may_alias and aligned(4) let it read any
// float array.
using Lane = float __attribute__((vector_size(32), aligned(4), may_alias));
constexpr std::int64_t kLane = 8;
constexpr std::int64_t kBlock = 8 * kLane;   // columns that one pass keeps in registers
constexpr std::int64_t kRowsPerTask = 16;    // observations that a forward thread takes at a time
constexpr std::int64_t kRowsPerThread = 64;  // below that, starting a thread costs more than it saves
constexpr std::size_t kAhead = 6;            // entries to prefetch ahead

// Bytes of an observation up to the last one that is not 0xFF: unused tokens stand at the end.
std::size_t UsedBytes(const std::uint8_t* obs, std::size_t size) {
  std::uint64_t word = 0;
  while (size >= sizeof(word)) {
    std::memcpy(&word, obs + size - sizeof(word), sizeof(word));
    if (word != ~std::uint64_t{0}) break;
    size -= sizeof(word);
  }
  return size;
}

// Writes the entries of one observation; `entries` has room for num_tokens. Returns how many there are.
std::size_t Decode(const TokenTables& tables, const std::uint8_t* obs, std::int64_t num_tokens, Entry* entries) {
  const std::size_t used = (UsedBytes(obs, static_cast<std::size_t>(num_tokens) * 3) + 2) / 3;
  std::size_t count = 0;
  for (std::size_t token = 0; token < used; ++token) {
    const std::size_t location = obs[3 * token];
    const std::size_t feature = obs[3 * token + 1];
    const std::size_t cell = feature << 8 | obs[3 * token + 2];
    const std::int32_t position = tables.positions[static_cast<std::size_t>(tables.scopes[feature]) << 8 | location];
    const std::int32_t row = tables.rows[cell];
    entries[count] = {row + position, tables.weights[cell]};
    count += static_cast<std::size_t>((row | position) >= 0);  // overwritten by the next one when ignored
  }
  return count;
}

// The Add functions handle columns [first, last) of one observation.

LEARN_CLONES void AddForward(const Entry* entries, std::size_t count, const float* table, std::int64_t width,
                             const float* bias, float* out, std::int64_t first, std::int64_t last) {
  std::int64_t column = first;
  for (; column + kBlock <= last; column += kBlock) {
    Lane sum[8];
    for (int i = 0; i < 8; ++i) sum[i] = *reinterpret_cast<const Lane*>(bias + column + i * kLane);
    for (std::size_t e = 0; e < count; ++e) {
      const float* row = table + entries[e].row * width + column;
      const float weight = entries[e].weight;
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) sum[i] += weight * *reinterpret_cast<const Lane*>(row + i * kLane);
    }
    for (int i = 0; i < 8; ++i) *reinterpret_cast<Lane*>(out + column + i * kLane) = sum[i];
  }
  if (column == last) return;
  std::copy(bias + column, bias + last, out + column);
  for (std::size_t e = 0; e < count; ++e) {
    const float* row = table + entries[e].row * width;
    for (std::int64_t c = column; c < last; ++c) out[c] += entries[e].weight * row[c];
  }
}

LEARN_CLONES void AddBackward(const Entry* entries, std::size_t count, const float* grad_out, std::int64_t width,
                              float* grad_table, std::int64_t first, std::int64_t last) {
  std::int64_t column = first;
  for (; column + kBlock <= last; column += kBlock) {
    Lane grad[8];
    for (int i = 0; i < 8; ++i) grad[i] = *reinterpret_cast<const Lane*>(grad_out + column + i * kLane);
    for (std::size_t e = 0; e < count; ++e) {
      float* row = grad_table + entries[e].row * width + column;
      const float weight = entries[e].weight;
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) *reinterpret_cast<Lane*>(row + i * kLane) += weight * grad[i];
    }
  }
  if (column == last) return;
  for (std::size_t e = 0; e < count; ++e) {
    float* row = grad_table + entries[e].row * width;
    for (std::int64_t c = column; c < last; ++c) row[c] += entries[e].weight * grad_out[c];
  }
}

int UsefulThreads(int wanted, std::int64_t num_obs) {
  const std::int64_t useful = std::min<std::int64_t>(wanted, (num_obs + kRowsPerThread - 1) / kRowsPerThread);
  return static_cast<int>(std::max<std::int64_t>(useful, 1));
}

// Share `index` of `count` of the range [0, size), in multiples of `step`.
std::pair<std::int64_t, std::int64_t> ShareOf(std::int64_t size, std::int64_t step, int index, int count) {
  const std::int64_t steps = (size + step - 1) / step;
  return {std::min(size, steps * index / count * step), std::min(size, steps * (index + 1) / count * step)};
}

// Entries of consecutive observations, decoded once for all threads that need them.
struct Decoded {
  std::vector<Entry> entries;
  std::vector<std::size_t> ends;  // ends[i]: first entry after observation i
};

Decoded DecodeRange(const TokenTables& tables, const TokenBagShape& shape, const std::uint8_t* obs, std::int64_t first,
                    std::int64_t last) {
  Decoded decoded;
  decoded.ends.reserve(static_cast<std::size_t>(last - first));
  const auto room = static_cast<std::size_t>(shape.num_tokens);
  std::size_t size = 0;
  for (std::int64_t b = first; b < last; ++b) {
    if (size + room > decoded.entries.size()) decoded.entries.resize(2 * size + 16 * room);
    size += Decode(tables, obs + b * shape.num_tokens * 3, shape.num_tokens, decoded.entries.data() + size);
    decoded.ends.push_back(size);
  }
  return decoded;
}

}  // namespace

std::int64_t LargestRow(const TokenTables& tables) {
  std::int64_t largest = -1;
  std::int32_t position[3];
  for (std::size_t scope = 0; scope < 3; ++scope) {
    const auto of_scope = tables.positions.subspan(scope * 256, 256);
    position[scope] = *std::max_element(of_scope.begin(), of_scope.end());
  }
  for (std::size_t feature = 0; feature < 256; ++feature) {
    const std::int32_t at = position[tables.scopes[feature]];
    if (at < 0) continue;
    const auto of_feature = tables.rows.subspan(feature * 256, 256);
    const std::int32_t row = *std::max_element(of_feature.begin(), of_feature.end());
    if (row >= 0) largest = std::max<std::int64_t>(largest, std::int64_t{row} + at);
  }
  return largest;
}

void TokenBagForward(const TokenTables& tables, const TokenBagShape& shape, std::span<const std::uint8_t> obs,
                     std::span<const float> table, std::span<const float> bias, std::span<float> out, int num_threads) {
  std::atomic<std::int64_t> next{0};
  RunOnThreads(UsefulThreads(num_threads, shape.num_obs), [&](int) {
    std::vector<Entry> entries(static_cast<std::size_t>(shape.num_tokens));
    while (true) {  // small tasks: a thread that starts late takes fewer of them
      const std::int64_t first = next.fetch_add(kRowsPerTask, std::memory_order_relaxed);
      if (first >= shape.num_obs) break;
      const std::int64_t last = std::min(first + kRowsPerTask, shape.num_obs);
      for (std::int64_t b = first; b < last; ++b) {
        const std::size_t count =
            Decode(tables, obs.data() + b * shape.num_tokens * 3, shape.num_tokens, entries.data());
        AddForward(entries.data(), count, table.data(), shape.width, bias.data(), out.data() + b * shape.width, 0,
                   shape.width);
      }
    }
  });
}

void TokenBagBackward(const TokenTables& tables, const TokenBagShape& shape, std::span<const std::uint8_t> obs,
                      std::span<const float> grad_out, std::span<float> grad_table, std::span<float> grad_bias,
                      int num_threads) {
  const int threads = UsefulThreads(num_threads, shape.num_obs);
  std::vector<Decoded> parts(static_cast<std::size_t>(threads));
  RunOnThreads(threads, [&](int thread) {
    const auto [first, last] = ShareOf(shape.num_obs, 1, thread, threads);
    parts[static_cast<std::size_t>(thread)] = DecodeRange(tables, shape, obs.data(), first, last);
    const auto [begin, end] = ShareOf(static_cast<std::int64_t>(grad_table.size()), 1024, thread, threads);
    std::fill(grad_table.begin() + begin, grad_table.begin() + end, 0.0F);
  });
  std::fill(grad_bias.begin(), grad_bias.end(), 0.0F);
  RunOnThreads(threads, [&](int thread) {
    const auto [first, last] = ShareOf(shape.width, 2 * kLane, thread, threads);  // a cache line is two lanes
    if (first == last) return;
    const Entry whole{0, 1.0F};  // the bias is a table of one row that every observation uses with weight 1
    const float* grad = grad_out.data();
    for (const Decoded& part : parts) {
      const Entry* entries = part.entries.data();
      std::size_t begin = 0;
      for (const std::size_t end : part.ends) {
        AddBackward(entries + begin, end - begin, grad, shape.width, grad_table.data(), first, last);
        AddBackward(&whole, 1, grad, shape.width, grad_bias.data(), first, last);
        begin = end;
        grad += shape.width;
      }
    }
  });
}

}  // namespace mettagrid::learn
