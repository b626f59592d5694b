#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mettagrid/observe/line_of_sight.h"
#include "mettagrid/observe/window.h"

namespace mettagrid {

struct TokenCounts {
  std::uint64_t written = 0;
  std::uint64_t dropped = 0;  // did not fit any more; the farthest ones
};

// Writes the observations of one game, as tokens or as a dense box. Immutable after construction, shared by all
// environments and threads. How a game observes is chosen once: what it does not use costs nothing.
class Observer {
 public:
  explicit Observer(const GameProgram& program);

  // One row of `obs.num_bytes()` per agent, one after the other; `used_tokens` [A] how many tokens each holds.
  // RefreshRuns comes first. `next_world`: the world that is observed next, fetched into the cache meanwhile.
  // Throws EnvError when tokens do not fit and the game wants that to be an error.
  TokenCounts Write(const World& world, std::span<std::uint8_t> rows, std::span<std::uint16_t> used_tokens,
                    std::span<const std::byte> next_world = {}) const {
    return (this->*write_)(world, rows, used_tokens, next_world);
  }

  // A cell's location, row << 4 | column, in bytes 0, 3, 6, 9, 12 and 15: where a chunk of tokens has it.
  struct alignas(16) LocationPattern {
    std::uint8_t bytes[16];
  };

 private:
  using WriteFunction = TokenCounts (Observer::*)(const World&, std::span<std::uint8_t>, std::span<std::uint16_t>,
                                                  std::span<const std::byte>) const;
  // Words of a RankSet; sizes of the usual window, so that its look-ups are unrolled.
  template <std::size_t kWords, std::uint32_t kHeight, std::size_t kGroups>
  WriteFunction ChooseForWindow() const;

  template <std::size_t kWords, std::uint32_t kHeight, std::size_t kGroups, bool kSight>
  TokenCounts WriteTokens(const World& world, std::span<std::uint8_t> rows, std::span<std::uint16_t> used_tokens,
                          std::span<const std::byte> next_world) const;
  template <std::size_t kWords, std::uint32_t kHeight, std::size_t kGroups, bool kSight>
  TokenCounts WriteBoxes(const World& world, std::span<std::uint8_t> rows, std::span<std::uint16_t> used_tokens,
                         std::span<const std::byte> next_world) const;
  template <std::size_t kWords, std::uint32_t kHeight, std::size_t kGroups, bool kSight>
  RankSet<kWords> VisibleThings(const World& world, CellIndex centre) const;

  std::span<const std::byte> HotPart(std::span<const std::byte> world) const;
  // Of a world of few agents, most is not looked at in a step: only these columns, then the cells in the windows.
  void FetchColumns(std::span<const std::byte> world) const;
  void FetchWindows(std::span<const std::byte> world) const;
  std::uint8_t* WriteGlobals(const World& world, AgentId agent, std::uint8_t completion, std::uint8_t* out) const;
  std::uint8_t* WriteVisits(const World& world, AgentId agent, std::uint8_t* out) const;
  // Fills the planes of global features and the visit counts; returns how many tokens that would be.
  std::size_t FillGlobals(const World& world, AgentId agent, std::uint8_t completion, std::uint8_t* box) const;
  [[noreturn]] void RaiseOverflow(const World& world, AgentId agent, std::uint64_t needed) const;

  const GameProgram* program_;
  bool few_agents_;
  Window window_;
  std::optional<LineOfSight> line_of_sight_;
  WriteFunction write_;
  // The agent's cell and its neighbours in the north, south, west and east, whose visits are shown.
  struct VisitCell {
    std::uint8_t location;
    std::int32_t offset;
    std::uint16_t place;  // row * width + column
  };
  std::array<VisitCell, 5> visit_cells_;
  std::vector<LocationPattern> patterns_;  // by rank
  std::vector<std::uint16_t> places_;      // by rank: row * width + column
  std::array<std::uint32_t, 256> planes_;  // by feature: where its plane starts in a box
};

// floor(255 * step / max_steps); 0 in an endless game.
std::uint8_t CompletionValue(const World& world);
// 128 + round(100 * reward), saturating.
std::uint8_t RewardValue(float reward);

}  // namespace mettagrid
