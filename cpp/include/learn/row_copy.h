#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mettagrid::learn {

// A table whose rows of `bytes` lie one after the other, and where chosen ones of them go.
struct GatheredTable {
  const std::byte* source;
  std::byte* destination;
  std::int64_t bytes;
};

// Row i of each destination becomes row rows[i] of its source. Threads share the bytes of all tables.
void GatherRows(std::span<const GatheredTable> tables, std::span<const std::int64_t> rows, int num_threads);

// Cells of `bytes` that lie one after the other, and where they go: `stride` bytes apart.
struct SpreadColumn {
  const std::byte* source;
  std::byte* destination;
  std::int64_t bytes;
  std::int64_t stride;
};

// Writes `rows` cells of each column.
void SpreadColumns(std::span<const SpreadColumn> columns, std::int64_t rows, int num_threads);

}  // namespace mettagrid::learn
