#include "mettagrid/observe/observer.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "mettagrid/core/prefetch.h"
#include "mettagrid/objects/features.h"

namespace mettagrid {
namespace {

constexpr std::size_t kChunkStep = kTokensPerChunk * kTokenBytes;  // 15: the 16th byte belongs to the next chunk

std::uint32_t Load32(const std::uint8_t* from) {
  std::uint32_t word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

// 16 bytes of a token run, with the location put where the run has zeros.
inline void CopyChunk(std::uint8_t* to, const std::uint8_t* from, const Observer::LocationPattern& pattern) {
  std::uint64_t words[2];
  std::uint64_t location[2];
  std::memcpy(words, from, kChunkBytes);
  std::memcpy(location, pattern.bytes, kChunkBytes);
  words[0] |= location[0];
  words[1] |= location[1];
  std::memcpy(to, words, kChunkBytes);
}

// The whole run; the last chunk may write up to kChunkBytes too many.
inline void CopyRun(std::uint8_t* to, const std::uint8_t* run, std::size_t bytes,
                    const Observer::LocationPattern& pattern) {
  CopyChunk(to, run, pattern);
  for (std::size_t done = kChunkStep; done < bytes; done += kChunkStep) CopyChunk(to + done, run + done, pattern);
}

// Where an agent's row ends: behind it stands the row of another agent, perhaps of another thread.
struct RowEnd {
  std::uint8_t* end;

  bool HasRoom(const std::uint8_t* out, std::size_t bytes) const { return out + bytes + kChunkBytes <= end; }

  // Token by token, exactly; what does not fit is counted.
  std::uint8_t* CopyWhatFits(std::uint8_t* out, const std::uint8_t* run, std::size_t bytes,
                             const Observer::LocationPattern& pattern, std::uint64_t& dropped) const {
    for (std::size_t done = 0; done < bytes; done += kTokenBytes) {
      if (out == end) {
        dropped += (bytes - done) / kTokenBytes;
        break;
      }
      out[0] = pattern.bytes[0];
      out[1] = run[done + 1];
      out[2] = run[done + 2];
      out += kTokenBytes;
    }
    return out;
  }
};

std::uint8_t RewardValue(float reward) {
  const double value = 128.5 + 100.0 * static_cast<double>(reward);  // truncation below rounds to nearest
  return static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
}

}  // namespace

std::vector<WindowCell> CellsByDistance(std::int32_t width, std::int32_t height) {
  std::vector<WindowCell> cells;
  for (std::int32_t distance = 0; distance <= width / 2 + height / 2; ++distance) {
    for (std::int32_t row = -distance; row <= distance; ++row) {
      const std::int32_t column = distance - std::abs(row);
      if (std::abs(row) > height / 2 || column > width / 2) continue;
      cells.push_back({row, -column});
      if (column > 0) cells.push_back({row, column});
    }
  }
  return cells;
}

Observer::Observer(const GameProgram& program) : program_(&program) {
  const auto width = static_cast<std::size_t>(program.obs.width);
  const auto height = static_cast<std::size_t>(program.obs.height);
  const auto cells = CellsByDistance(program.obs.width, program.obs.height);
  const std::size_t words = cells.size() <= 128 ? 2 : 4;
  groups_ = (width + kGroupBits - 1) / kGroupBits;
  std::vector<std::size_t> rank_at(width * height);
  for (std::size_t rank = 0; rank < cells.size(); ++rank) {
    const auto row = static_cast<std::uint32_t>(cells[rank].row + program.obs.height / 2);
    const auto column = static_cast<std::uint32_t>(cells[rank].column + program.obs.width / 2);
    const auto stride = static_cast<std::int32_t>(program.map.stride());
    offsets_.push_back(cells[rank].row * stride + cells[rank].column);
    LocationPattern& pattern = patterns_.emplace_back();
    for (std::size_t i = 0; i < kChunkBytes; i += kTokenBytes)
      pattern.bytes[i] = static_cast<std::uint8_t>(row << 4 | column);
    rank_at[row * width + column] = rank;
  }
  rank_sets_.assign(height * groups_ * kGroupSize * words, 0);
  for (std::size_t row = 0; row < height; ++row) {
    for (std::size_t column = 0; column < width; ++column) {
      const std::size_t rank = rank_at[row * width + column];
      const std::size_t bit = std::size_t{1} << (column % kGroupBits);
      for (std::size_t pattern = 0; pattern < kGroupSize; ++pattern) {
        if ((pattern & bit) == 0) continue;
        const std::size_t entry = (row * groups_ + column / kGroupBits) * kGroupSize + pattern;
        rank_sets_[entry * words + rank / 64] |= std::uint64_t{1} << (rank % 64);
      }
    }
  }
}

inline std::uint8_t* Observer::WriteGlobals(const World& world, AgentId agent, std::uint8_t completion,
                                            std::uint8_t* out) const {
  const auto add = [&out](std::uint8_t feature, std::uint8_t value) {
    out[0] = kGlobalLocation;
    out[1] = feature;
    out[2] = value;
    out += kTokenBytes;
  };
  const ObservationSpec& obs = program_->obs;
  if (obs.episode_completion_pct) add(feature::kEpisodeCompletion, completion);
  if (obs.last_action) add(feature::kLastAction, world.agents.last_action[agent.index()]);
  if (obs.last_reward) add(feature::kLastReward, RewardValue(world.agents.reward[agent.index()]));
  return out;
}

template <std::size_t kWords, std::uint32_t kHeight, std::size_t kGroups>
inline std::array<std::uint64_t, kWords> Observer::OccupiedRanks(const std::uint8_t* occupied, CellIndex centre) const {
  const auto width = static_cast<std::uint32_t>(program_->obs.width);
  const auto height = kHeight > 0 ? kHeight : static_cast<std::uint32_t>(program_->obs.height);
  const std::size_t groups = kGroups > 0 ? kGroups : groups_;
  const std::uint32_t stride = program_->map.stride();
  const std::uint64_t* table = rank_sets_.data();
  std::array<std::uint64_t, kWords> ranks{};
  CellIndex line = centre - height / 2 * stride - width / 2;
  for (std::uint32_t row = 0; row < height; ++row, line += stride) {
    std::uint32_t bits = Load32(occupied + (line >> 3)) >> (line & 7) & ((1U << width) - 1);
    for (std::size_t group = 0; group < groups; ++group, bits >>= kGroupBits) {
      const std::uint64_t* const entry = table + (bits & (kGroupSize - 1)) * kWords;
      for (std::size_t word = 0; word < kWords; ++word) ranks[word] |= entry[word];
      table += kGroupSize * kWords;
    }
  }
  return ranks;
}

template <std::size_t kWords, std::uint32_t kHeight, std::size_t kGroups>
TokenCounts Observer::WriteRows(const World& world, std::span<std::uint8_t> rows, std::span<std::uint16_t> used_tokens,
                                std::span<const std::byte> next_world) const {
  const std::size_t row_bytes = static_cast<std::size_t>(program_->obs.num_tokens) * kTokenBytes;
  const std::size_t run_bytes = program_->layout.run_bytes;
  const std::int32_t* const offsets = offsets_.data();
  const LocationPattern* const patterns = patterns_.data();
  const std::uint32_t max_steps = program_->max_steps;
  const std::uint64_t step = world.header().step;
  const auto completion = max_steps == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(255 * step / max_steps);
  Prefetcher prefetcher(next_world, program_->num_agents);
  TokenCounts counts;

  for (std::size_t i = 0; i < program_->num_agents; ++i) {
    prefetcher.AskForMore();
    const RowEnd row{rows.data() + (i + 1) * row_bytes};
    if (!world.IsHere(AgentId(i))) [[unlikely]] {
      std::memset(row.end - row_bytes, kPadding, row_bytes);
      used_tokens[i] = 0;
      continue;
    }
    std::uint8_t* const begin = rows.data() + i * row_bytes;
    std::uint8_t* out = WriteGlobals(world, AgentId(i), completion, begin);
    const CellCode* const centre = world.cells + world.agents.cell[i];
    const auto occupied = OccupiedRanks<kWords, kHeight, kGroups>(world.occupied, world.agents.cell[i]);
    for (std::size_t word = 0; word < kWords; ++word) {
      for (std::uint64_t left = occupied[word]; left != 0; left &= left - 1) {
        const std::size_t rank = word * 64 + static_cast<std::size_t>(std::countr_zero(left));
        const std::uint8_t* const run = world.runs + centre[offsets[rank]] * run_bytes;
        const std::size_t bytes = kTokenBytes * run[run_bytes - 1];
        if (row.HasRoom(out, bytes)) [[likely]] {
          CopyRun(out, run, bytes, patterns[rank]);
          out += bytes;
        } else {
          out = row.CopyWhatFits(out, run, bytes, patterns[rank], counts.dropped);
        }
      }
    }
    const auto used = static_cast<std::size_t>(out - begin) / kTokenBytes;
    counts.written += used;
    used_tokens[i] = static_cast<std::uint16_t>(used);
    std::memset(out, kPadding, static_cast<std::size_t>(row.end - out));
  }
  return counts;
}

TokenCounts Observer::Write(const World& world, std::span<std::uint8_t> rows, std::span<std::uint16_t> used_tokens,
                            std::span<const std::byte> next_world) const {
  if (program_->obs.height == 11 && program_->obs.width == 11) {
    return WriteRows<2, 11, 2>(world, rows, used_tokens, next_world);
  }
  if (offsets_.size() <= 128) return WriteRows<2, 0, 0>(world, rows, used_tokens, next_world);
  return WriteRows<4, 0, 0>(world, rows, used_tokens, next_world);
}

}  // namespace mettagrid
