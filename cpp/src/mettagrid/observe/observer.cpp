#include "mettagrid/observe/observer.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "mettagrid/observe/features.h"

namespace mettagrid {
namespace {

constexpr std::size_t kChunkTokens = 5;
constexpr std::size_t kChunkBytes = kChunkTokens * kTokenBytes;  // 15; copied as 16, the last byte is written over
constexpr std::size_t kCopyBytes = 16;

std::uint32_t Load32(const std::uint8_t* from) {
  std::uint32_t word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

// 16 bytes of a token run with the location put into bytes 0, 3, 6, 9, 12 and 15, where the run has zeros.
void CopyChunk(std::uint8_t* to, const std::uint8_t* from, std::uint64_t location) {
  static_assert(std::endian::native == std::endian::little, "the location patterns below are little-endian");
  std::uint64_t words[2];
  std::memcpy(words, from, kCopyBytes);
  words[0] |= location * 0x0001000001000001U;
  words[1] |= location * 0x0100000100000100U;
  std::memcpy(to, words, kCopyBytes);
}

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
    ranks_.push_back({cells[rank].row * stride + cells[rank].column, row << 4 | column});
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

std::uint8_t* Observer::WriteGlobals(const World& world, AgentId agent, std::uint8_t completion,
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

template <std::size_t kWords>
TokenCounts Observer::WriteRows(const World& world, std::span<std::uint8_t> rows,
                                std::span<std::uint16_t> used_tokens) const {
  const auto stride = program_->map.stride();
  const auto width = static_cast<std::uint32_t>(program_->obs.width);
  const auto height = static_cast<std::uint32_t>(program_->obs.height);
  const std::uint32_t row_mask = (1U << width) - 1;
  const CellIndex to_corner = height / 2 * stride + width / 2;
  const std::size_t row_bytes = static_cast<std::size_t>(program_->obs.num_tokens) * kTokenBytes;
  const std::size_t run_bytes = program_->layout.run_bytes;
  const std::size_t groups = groups_;
  const std::uint64_t* const rank_sets = rank_sets_.data();
  const Rank* const ranks = ranks_.data();
  const std::uint8_t* const occupied = world.occupied;
  const CellCode* const cells = world.cells;
  const std::uint8_t* const runs = world.runs;
  const std::uint32_t max_steps = program_->max_steps;
  const std::uint64_t step = world.header().step;
  const auto completion = max_steps == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(255 * step / max_steps);
  TokenCounts counts;

  for (std::size_t i = 0; i < program_->num_agents; ++i) {
    std::uint8_t* const row_begin = rows.data() + i * row_bytes;
    std::uint8_t* const row_end = row_begin + row_bytes;
    const CellIndex centre = world.agents.cell[i];

    std::uint64_t set[kWords] = {};
    CellIndex line = centre - to_corner;
    const std::uint64_t* table = rank_sets;
    for (std::uint32_t row = 0; row < height; ++row, line += stride) {
      std::uint32_t bits = Load32(occupied + (line >> 3)) >> (line & 7) & row_mask;
      for (std::size_t group = 0; group < groups; ++group, bits >>= kGroupBits) {
        const std::uint64_t* const entry = table + (bits & (kGroupSize - 1)) * kWords;
        for (std::size_t word = 0; word < kWords; ++word) set[word] |= entry[word];
        table += kGroupSize * kWords;
      }
    }

    std::uint8_t* out = WriteGlobals(world, AgentId(i), completion, row_begin);
    for (std::size_t word = 0; word < kWords; ++word) {
      for (std::uint64_t left = set[word]; left != 0; left &= left - 1) {
        const Rank rank = ranks[word * 64 + static_cast<std::size_t>(std::countr_zero(left))];
        const CellCode code = cells[static_cast<std::int32_t>(centre) + rank.offset];
        const std::uint8_t* run = runs + code * run_bytes;
        const std::size_t bytes = kTokenBytes * run[run_bytes - 1];
        if (out + bytes + kCopyBytes <= row_end) [[likely]] {
          CopyChunk(out, run, rank.location);
          for (std::size_t done = kChunkBytes; done < bytes; done += kChunkBytes) {
            CopyChunk(out + done, run + done, rank.location);
          }
          out += bytes;
          continue;
        }
        // Near the row's end: token by token, because the next row belongs to another agent, perhaps another thread.
        for (std::size_t done = 0; done < bytes; done += kTokenBytes) {
          if (out == row_end) {
            counts.dropped += (bytes - done) / kTokenBytes;
            break;
          }
          out[0] = static_cast<std::uint8_t>(rank.location);
          out[1] = run[done + 1];
          out[2] = run[done + 2];
          out += kTokenBytes;
        }
      }
    }
    const auto used = static_cast<std::size_t>(out - row_begin) / kTokenBytes;
    counts.written += used;
    used_tokens[i] = static_cast<std::uint16_t>(used);
    std::memset(out, kPadding, static_cast<std::size_t>(row_end - out));
  }
  return counts;
}

TokenCounts Observer::Write(const World& world, std::span<std::uint8_t> rows,
                            std::span<std::uint16_t> used_tokens) const {
  return ranks_.size() <= 128 ? WriteRows<2>(world, rows, used_tokens) : WriteRows<4>(world, rows, used_tokens);
}

}  // namespace mettagrid
