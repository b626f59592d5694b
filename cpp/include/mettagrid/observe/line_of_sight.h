#pragma once

#include <cstdint>
#include <vector>

#include "mettagrid/objects/object_kinds.h"
#include "mettagrid/observe/window.h"

namespace mettagrid {

// What hides what in a window, as sets of ranks computed once.
//
// A cell is in sight when the straight line from the agent's centre to its centre is clear: the line visits one cell a
// step along its longer axis, the nearest; where it runs exactly between two, one clear cell of the two is enough. The
// same line leads back, so that two agents see each other or neither does.
//
// Lines along a wall graze it: of a long wall beside a corridor only the first cells would be in sight. So an opaque
// cell is in sight, too, when one of its neighbours on the agent's side is clear and in sight: it is seen from there.
class LineOfSight {
 public:
  explicit LineOfSight(const Window& window);

  // All cells in sight, empty ones included. `opaque`: the cells that hide what is behind them.
  template <std::size_t kWords>
  RankSet<kWords> Seen(const RankSet<kWords>& opaque) const {
    RankSet<kWords> hidden{};
    const auto hide = [&hidden](const std::uint64_t* set) {
      for (std::size_t word = 0; word < kWords; ++word) hidden[word] |= set[word];
    };
    ForEachRank(opaque, [&](std::size_t rank) {
      const Blocker& blocker = blockers_[rank];
      hide(behind_.data() + rank * kWords);
      if (Contains(opaque, blocker.east)) hide(between_east_.data() + rank * kWords);
      if (Contains(opaque, blocker.south)) hide(between_south_.data() + rank * kWords);
    });
    RankSet<kWords> seen;
    RankSet<kWords> clear;
    RankSet<kWords> doubtful;
    for (std::size_t word = 0; word < kWords; ++word) {
      seen[word] = all_[word] & ~hidden[word];
      clear[word] = seen[word] & ~opaque[word];
      doubtful[word] = hidden[word] & opaque[word];
    }
    ForEachRank(doubtful, [&](std::size_t rank) {
      std::uint64_t faces = 0;
      for (std::size_t word = 0; word < kWords; ++word) faces |= clear[word] & facing_[rank * kWords + word];
      if (faces != 0) seen[rank / 64] |= std::uint64_t{1} << (rank % 64);
    });
    return seen;
  }

 private:
  static constexpr std::uint16_t kNoRank = 255;  // windows have 225 cells at most; bit 255 is never set
  struct Blocker {
    std::uint16_t east = kNoRank;
    std::uint16_t south = kNoRank;
  };

  template <std::size_t kWords>
  static bool Contains(const RankSet<kWords>& ranks, std::size_t rank) {
    return rank < kWords * 64 && (ranks[rank / 64] >> (rank % 64) & 1) != 0;
  }

  std::vector<Blocker> blockers_;  // by rank: its neighbours
  // [rank][words] each
  std::vector<std::uint64_t> behind_;         // cells whose line runs through this one
  std::vector<std::uint64_t> between_east_;   // cells whose line runs between this one and its eastern neighbour
  std::vector<std::uint64_t> between_south_;  // ... its southern neighbour
  std::vector<std::uint64_t> facing_;         // neighbours on the agent's side
  std::vector<std::uint64_t> all_;            // [words]
};

}  // namespace mettagrid
