#include "learn/row_copy.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "learn/parallel.h"

namespace mettagrid::learn {
namespace {

constexpr std::int64_t kBytesPerTask = 64 * 1024;
constexpr std::int64_t kBytesPerThread = 512 * 1024;

// Rows first ... first + count - 1 of one table or column.
struct Task {
  std::size_t table;
  std::int64_t first;
  std::int64_t count;
};

template <typename Tables>
std::vector<Task> TasksOf(const Tables& tables, std::int64_t rows) {
  std::vector<Task> tasks;
  for (std::size_t table = 0; table < tables.size(); ++table) {
    const std::int64_t step = std::max<std::int64_t>(kBytesPerTask / std::max<std::int64_t>(tables[table].bytes, 1), 1);
    for (std::int64_t first = 0; first < rows; first += step) {
      tasks.push_back({table, first, std::min(step, rows - first)});
    }
  }
  return tasks;
}

// A thread takes the next task when it is done with its last. Waking one takes longer than copying a little.
template <typename Tables, typename Work>
void ForTasks(const Tables& tables, std::int64_t rows, int num_threads, const Work& work) {
  const std::vector<Task> tasks = TasksOf(tables, rows);
  std::int64_t bytes = 0;
  for (const auto& table : tables) bytes += rows * table.bytes;
  const auto threads = static_cast<int>(std::clamp<std::int64_t>(bytes / kBytesPerThread, 1, std::max(num_threads, 1)));
  std::atomic<std::size_t> next{0};
  RunOnThreads(threads, [&](int /*thread*/) {
    for (std::size_t i = next.fetch_add(1); i < tasks.size(); i = next.fetch_add(1)) work(tasks[i]);
  });
}

// A copy of known size is one move instead of a call.
template <std::int64_t kBytes>
void Spread(const SpreadColumn& column, const Task& task) {
  const std::byte* source = column.source + task.first * kBytes;
  std::byte* destination = column.destination + task.first * column.stride;
  for (std::int64_t i = 0; i < task.count; ++i) {
    std::memcpy(destination + i * column.stride, source + i * kBytes, kBytes);
  }
}

void SpreadLong(const SpreadColumn& column, const Task& task) {
  const auto bytes = static_cast<std::size_t>(column.bytes);
  for (std::int64_t i = task.first; i < task.first + task.count; ++i) {
    std::memcpy(column.destination + i * column.stride, column.source + i * column.bytes, bytes);
  }
}

}  // namespace

void GatherRows(std::span<const GatheredTable> tables, std::span<const std::int64_t> rows, int num_threads) {
  ForTasks(tables, std::ssize(rows), num_threads, [&](const Task& task) {
    const auto [source, destination, bytes] = tables[task.table];
    for (std::int64_t i = task.first; i < task.first + task.count; ++i) {
      const std::int64_t row = rows[static_cast<std::size_t>(i)];
      std::memcpy(destination + i * bytes, source + row * bytes, static_cast<std::size_t>(bytes));
    }
  });
}

void SpreadColumns(std::span<const SpreadColumn> columns, std::int64_t rows, int num_threads) {
  ForTasks(columns, rows, num_threads, [&](const Task& task) {
    const SpreadColumn& column = columns[task.table];
    switch (column.bytes) {
      case 1:
        return Spread<1>(column, task);
      case 4:
        return Spread<4>(column, task);
      case 8:
        return Spread<8>(column, task);
      default:
        return SpreadLong(column, task);
    }
  });
}

}  // namespace mettagrid::learn
