#include "learn/token_bag.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "learn/elementwise.h"
#include "learn/parallel.h"

namespace mettagrid::learn {
namespace {

using Entry = TokenEntry;

constexpr std::int64_t kRowsPerTask = 16;    // observations that a forward thread takes at a time
constexpr std::int64_t kRowsPerThread = 64;  // below that, starting a thread costs more than it saves
constexpr std::int64_t kRowsPerBlock = 512;  // observations whose gradients stay in the cache during a backward pass

// Writes the entries of one observation; `entries` has room for num_tokens. Returns how many there are.
std::size_t Decode(const TokenTables& tables, const std::uint8_t* obs, std::int64_t num_tokens, Entry* entries) {
  const auto used = static_cast<std::size_t>(UsedTokens(obs, num_tokens));
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

int UsefulThreads(int wanted, std::int64_t num_obs) {
  const std::int64_t useful = std::min<std::int64_t>(wanted, (num_obs + kRowsPerThread - 1) / kRowsPerThread);
  return static_cast<int>(std::max<std::int64_t>(useful, 1));
}

// Share `index` of `count` of the range [0, size).
std::pair<std::int64_t, std::int64_t> ShareOf(std::int64_t size, int index, int count) {
  return {size * index / count, size * (index + 1) / count};
}

// An array whose memory is not written before it is used.
template <typename T>
class Buffer {
 public:
  T* Reserve(std::size_t size) {
    if (size > size_) {
      data_ = std::make_unique_for_overwrite<T[]>(size);
      size_ = size;
    }
    return data_.get();
  }
  T* data() const { return data_.get(); }

 private:
  std::unique_ptr<T[]> data_;
  std::size_t size_ = 0;
};

// A block of observations, seen from the table: the tokens that used a row stand together, in order of observations.
struct Block {
  struct Run {
    std::int32_t row;     // of the table
    std::uint32_t begin;  // the row's first entry
    std::uint32_t end;    // the first entry after them
  };
  Buffer<Entry> entries;  // here Entry::row counts observations from the block's first
  std::vector<Run> runs;  // by row
};

// Scratch of SortBlock, reused from block to block.
struct SortSpace {
  Buffer<Entry> entries;             // by observation, where they were not kept
  std::vector<std::int32_t> begins;  // of each observation
  std::vector<std::int32_t> ends;
  std::vector<std::uint32_t> places;  // of each row of the table
};

// The tokens of some observations: kept ones, or decoded into `space`.
DecodedTokens TokensOf(const TokenTables& tables, const TokenBagShape& shape, std::span<const std::uint8_t> obs,
                       std::int64_t first, std::int64_t num_obs, const DecodedTokens& kept, SortSpace& space) {
  const auto at = static_cast<std::size_t>(first);
  const auto count = static_cast<std::size_t>(num_obs);
  if (!kept.entries.empty()) return {kept.entries, kept.begins.subspan(at, count), kept.ends.subspan(at, count)};
  const auto capacity = static_cast<std::size_t>(num_obs * shape.num_tokens);
  Entry* entries = space.entries.Reserve(capacity);
  space.begins.resize(count);
  space.ends.resize(count);
  std::size_t size = 0;
  for (std::size_t b = 0; b < count; ++b) {
    space.begins[b] = static_cast<std::int32_t>(size);
    const std::uint8_t* tokens = obs.data() + (first + static_cast<std::int64_t>(b)) * shape.num_tokens * 3;
    size += Decode(tables, tokens, shape.num_tokens, entries + size);
    space.ends[b] = static_cast<std::int32_t>(size);
  }
  return {{entries, capacity}, space.begins, space.ends};
}

// Counting sort by row, stable.
void SortBlock(const DecodedTokens& tokens, std::int64_t num_rows, SortSpace& space, Block& block) {
  space.places.assign(static_cast<std::size_t>(num_rows), 0);
  std::uint32_t* places = space.places.data();
  std::size_t size = 0;
  for (std::size_t b = 0; b < tokens.begins.size(); ++b) {
    for (std::int32_t e = tokens.begins[b]; e < tokens.ends[b]; ++e) ++places[tokens.entries[e].row];
    size += static_cast<std::size_t>(tokens.ends[b] - tokens.begins[b]);
  }
  std::uint32_t end = 0;
  for (std::int32_t row = 0; row < num_rows; ++row) {
    const std::uint32_t begin = end;
    end += places[row];
    places[row] = begin;
    if (end > begin) block.runs.push_back({row, begin, end});
  }
  Entry* sorted = block.entries.Reserve(size);
  for (std::size_t b = 0; b < tokens.begins.size(); ++b) {
    for (std::int32_t e = tokens.begins[b]; e < tokens.ends[b]; ++e) {
      const Entry& entry = tokens.entries[e];
      sorted[places[entry.row]++] = {static_cast<std::int32_t>(b), entry.weight};
    }
  }
}

struct RowRange {
  std::int32_t first;
  std::int32_t last;
};

// Adds a block's share of the gradients of the rows in `range`; `grad` are those of its observations.
void AddRuns(const Block& block, RowRange range, const float* grad, std::int64_t width, float* grad_table) {
  auto run = std::lower_bound(block.runs.begin(), block.runs.end(), range.first,
                              [](const Block::Run& r, std::int32_t row) { return r.row < row; });
  for (; run != block.runs.end() && run->row < range.last; ++run) {
    float* sums = grad_table + run->row * width;
    AddVectors(block.entries.data() + run->begin, run->end - run->begin, grad, width, sums, sums);
  }
}

// Rows of the table at which to divide it, so that the parts have about equally many entries: num_parts + 1 numbers.
std::vector<std::int32_t> DivideRows(const std::vector<Block>& blocks, std::int64_t num_rows, int num_parts) {
  std::vector<std::size_t> counts(static_cast<std::size_t>(num_rows), 0);
  std::size_t total = 0;
  for (const Block& block : blocks) {
    for (const auto& [row, begin, end] : block.runs) counts[static_cast<std::size_t>(row)] += end - begin;
    if (!block.runs.empty()) total += block.runs.back().end;
  }
  std::vector<std::int32_t> bounds{0};
  std::size_t sum = 0;
  for (std::size_t row = 0; row < counts.size(); ++row) {
    sum += counts[row];
    const auto parts = static_cast<std::size_t>(num_parts);
    while (bounds.size() < parts && sum * parts >= total * bounds.size()) {
      bounds.push_back(static_cast<std::int32_t>(row) + 1);
    }
  }
  bounds.resize(static_cast<std::size_t>(num_parts), static_cast<std::int32_t>(num_rows));
  bounds.push_back(static_cast<std::int32_t>(num_rows));
  return bounds;
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

void TokenBagRows(const TokenTables& tables, const TokenBagShape& shape, std::span<const std::uint8_t> obs,
                  std::int64_t first, std::int64_t count, std::span<const float> table, std::span<const float> bias,
                  bool relu, std::span<float> out, const DecodedTokens& decoded) {
  static thread_local Buffer<Entry> space;
  const bool kept = !decoded.entries.empty();
  Entry* entries = kept ? decoded.entries.data() + first * shape.num_tokens
                        : space.Reserve(static_cast<std::size_t>(shape.num_tokens));
  for (std::int64_t b = first; b < first + count; ++b) {
    const std::size_t used = Decode(tables, obs.data() + b * shape.num_tokens * 3, shape.num_tokens, entries);
    AddVectors(entries, used, table.data(), shape.width, bias.data(), out.data() + b * shape.width);
    if (!kept) continue;
    const auto index = static_cast<std::size_t>(b);
    decoded.begins[index] = static_cast<std::int32_t>(entries - decoded.entries.data());
    entries += used;  // without gaps: what the backward pass reads is small
    decoded.ends[index] = static_cast<std::int32_t>(entries - decoded.entries.data());
  }
  if (relu) ClampAtZero(out.data() + first * shape.width, count * shape.width);
}

void TokenBagForward(const TokenTables& tables, const TokenBagShape& shape, std::span<const std::uint8_t> obs,
                     std::span<const float> table, std::span<const float> bias, bool relu, std::span<float> out,
                     const DecodedTokens& decoded, int num_threads) {
  std::atomic<std::int64_t> next{0};
  RunOnThreads(UsefulThreads(num_threads, shape.num_obs), [&](int) {
    while (true) {  // small tasks: a thread that starts late takes fewer of them
      const std::int64_t first = next.fetch_add(kRowsPerTask, std::memory_order_relaxed);
      if (first >= shape.num_obs) break;
      const std::int64_t count = std::min(kRowsPerTask, shape.num_obs - first);
      TokenBagRows(tables, shape, obs, first, count, table, bias, relu, out, decoded);
    }
  });
}

void TokenBagBackward(const TokenTables& tables, const TokenBagShape& shape, std::span<const std::uint8_t> obs,
                      std::span<const float> out, std::span<const float> grad_out, std::span<float> grad_table,
                      std::span<float> grad_bias, const DecodedTokens& decoded, int num_threads) {
  const int threads = UsefulThreads(num_threads, shape.num_obs);
  const std::int64_t num_blocks = (shape.num_obs + kRowsPerBlock - 1) / kRowsPerBlock;
  const auto size_of = [&](std::int64_t block) {
    return std::min(kRowsPerBlock, shape.num_obs - block * kRowsPerBlock);
  };
  std::vector<Block> blocks(static_cast<std::size_t>(num_blocks));
  std::atomic<std::int64_t> next{0};
  RunOnThreads(threads, [&](int thread) {
    const auto [begin, end] = ShareOf(static_cast<std::int64_t>(grad_table.size()), thread, threads);
    std::fill(grad_table.begin() + begin, grad_table.begin() + end, 0.0F);
    SortSpace space;
    for (std::int64_t block = next++; block < num_blocks; block = next++) {
      const DecodedTokens tokens = TokensOf(tables, shape, obs, block * kRowsPerBlock, size_of(block), decoded, space);
      SortBlock(tokens, shape.num_rows, space, blocks[static_cast<std::size_t>(block)]);
    }
  });
  const std::vector<std::int32_t> bounds = DivideRows(blocks, shape.num_rows, threads);
  std::fill(grad_bias.begin(), grad_bias.end(), 0.0F);
  RunOnThreads(threads, [&](int thread) {
    const RowRange range{bounds[static_cast<std::size_t>(thread)], bounds[static_cast<std::size_t>(thread) + 1]};
    Buffer<float> passed;  // each thread makes its own copy of a block's gradients: it fits its cache
    for (std::int64_t index = 0; index < num_blocks; ++index) {
      const std::int64_t at = index * kRowsPerBlock * shape.width;
      const float* grad = grad_out.data() + at;
      if (!out.empty()) {
        const std::int64_t count = size_of(index) * shape.width;
        float* kept = passed.Reserve(static_cast<std::size_t>(count));
        PassWherePositive(out.data() + at, grad, count, kept);
        grad = kept;
      }
      AddRuns(blocks[static_cast<std::size_t>(index)], range, grad, shape.width, grad_table.data());
      const auto [begin, end] = ShareOf(shape.width, thread, threads);
      AddRows(grad + begin, size_of(index), shape.width, end - begin, grad_bias.data() + begin);
    }
  });
}

}  // namespace mettagrid::learn
