#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "mettagrid/objects/world.h"

namespace mettagrid {

// Cells of an odd window in reading order for policies: by Manhattan distance from the centre, then by row, then by
// column: (0,0) (-1,0) (0,-1) (0,1) (1,0) (-2,0) (-1,-1) (-1,1) ...
struct WindowCell {
  std::int32_t row;  // relative to the agent
  std::int32_t column;
};
std::vector<WindowCell> CellsByDistance(std::int32_t width, std::int32_t height);

struct TokenCounts {
  std::uint64_t written = 0;
  std::uint64_t dropped = 0;  // did not fit any more; the farthest ones
};

// Writes token observations of one game. Immutable after construction, shared by all environments and threads.
//
// A window row's occupied cells are a few bits of the world's occupancy set. Tables turn them into a set of ranks
// (places in the distance order), six columns at a time, so that only occupied cells are visited, nearest first.
class Observer {
 public:
  explicit Observer(const GameProgram& program);

  // One row of `num_tokens * 3` bytes per agent, one after the other; `used_tokens` [A] how many of them are filled.
  // RefreshRuns comes first. `next_world`: the world that is observed next, fetched into the cache meanwhile.
  TokenCounts Write(const World& world, std::span<std::uint8_t> rows, std::span<std::uint16_t> used_tokens,
                    std::span<const std::byte> next_world = {}) const;

  // A cell's location, row << 4 | column, in bytes 0, 3, 6, 9, 12 and 15: where a chunk of tokens has it.
  struct alignas(16) LocationPattern {
    std::uint8_t bytes[16];
  };

 private:
  static constexpr std::uint32_t kGroupBits = 6;
  static constexpr std::uint32_t kGroupSize = 1U << kGroupBits;

  // kWords of 64 ranks; kHeight and kGroups let the compiler unroll the look-ups of the usual window (0: as the game
  // says).
  template <std::size_t kWords, std::uint32_t kHeight, std::size_t kGroups>
  TokenCounts WriteRows(const World& world, std::span<std::uint8_t> rows, std::span<std::uint16_t> used_tokens,
                        std::span<const std::byte> next_world) const;
  template <std::size_t kWords, std::uint32_t kHeight, std::size_t kGroups>
  std::array<std::uint64_t, kWords> OccupiedRanks(const std::uint8_t* occupied, CellIndex centre) const;
  std::uint8_t* WriteGlobals(const World& world, AgentId agent, std::uint8_t completion, std::uint8_t* out) const;

  const GameProgram* program_;
  std::size_t groups_ = 0;                 // of kGroupBits columns
  std::vector<std::int32_t> offsets_;      // by rank: padded cells from the agent
  std::vector<LocationPattern> patterns_;  // by rank
  // [window row][group][kGroupSize][words of 64 ranks]
  std::vector<std::uint64_t> rank_sets_;
};

}  // namespace mettagrid
