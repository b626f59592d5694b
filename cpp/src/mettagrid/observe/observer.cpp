#include "mettagrid/observe/observer.h"

#include <algorithm>
#include <cstring>

#include "mettagrid/core/prefetch.h"
#include "mettagrid/objects/features.h"
#include "mettagrid/objects/visits.h"
#include "mettagrid/observe/planes.h"

namespace mettagrid {
namespace {

constexpr std::size_t kChunkStep = kTokensPerChunk * kTokenBytes;  // 15: the 16th byte belongs to the next chunk

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

inline std::uint8_t* AddToken(std::uint8_t* out, std::uint8_t location, std::uint8_t feature, std::uint8_t value) {
  out[0] = location;
  out[1] = feature;
  out[2] = value;
  return out + kTokenBytes;
}

// With more of them, their windows cover most of the map.
constexpr std::uint32_t kFewAgents = 2;

}  // namespace

std::uint8_t RewardValue(float reward) {
  const double value = 128.5 + 100.0 * static_cast<double>(reward);  // truncation below rounds to nearest
  return static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
}

std::uint8_t CompletionValue(const World& world) {
  const std::uint64_t step = world.header().step;
  const std::uint32_t max_steps = world.program->max_steps;
  return max_steps == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(255 * step / max_steps);
}

Observer::Observer(const GameProgram& program)
    : program_(&program),
      few_agents_(program.num_agents <= kFewAgents),
      window_(program),
      planes_(PlaneOffsets(program, program.obs.num_cells())) {
  if (program.obs.line_of_sight) line_of_sight_.emplace(window_);
  const auto width = static_cast<std::size_t>(window_.width());
  for (std::size_t rank = 0; rank < window_.cells().size(); ++rank) {
    const std::size_t row = window_.RowOf(rank);
    const std::size_t column = window_.ColumnOf(rank);
    places_.push_back(static_cast<std::uint16_t>(row * width + column));
    LocationPattern& pattern = patterns_.emplace_back();
    for (std::size_t i = 0; i < kChunkBytes; i += kTokenBytes)
      pattern.bytes[i] = static_cast<std::uint8_t>(row << 4 | column);
  }
  constexpr std::size_t kShown[] = {0, 1, 4, 2, 3};  // ranks: here, north, south, west, east
  for (std::size_t i = 0; i < visit_cells_.size(); ++i) {
    const std::size_t rank = kShown[i];
    visit_cells_[i] = {patterns_[rank].bytes[0], window_.offsets()[rank], places_[rank]};
  }
  if (program.obs.height == 11 && program.obs.width == 11) {
    write_ = ChooseForWindow<2, 11, 2>();
  } else {
    write_ = window_.num_words() == 2 ? ChooseForWindow<2, 0, 0>() : ChooseForWindow<4, 0, 0>();
  }
}

template <std::size_t kWords, std::uint32_t kHeight, std::size_t kGroups>
Observer::WriteFunction Observer::ChooseForWindow() const {
  const bool sight = program_->obs.line_of_sight;
  if (program_->obs.kind == ObservationKind::kBox) {
    return sight ? &Observer::WriteBoxes<kWords, kHeight, kGroups, true>
                 : &Observer::WriteBoxes<kWords, kHeight, kGroups, false>;
  }
  return sight ? &Observer::WriteTokens<kWords, kHeight, kGroups, true>
               : &Observer::WriteTokens<kWords, kHeight, kGroups, false>;
}

inline std::span<const std::byte> Observer::HotPart(std::span<const std::byte> world) const {
  return few_agents_ ? std::span<const std::byte>{} : world.first(std::min(world.size(), program_->layout.hot_bytes));
}

void Observer::FetchColumns(std::span<const std::byte> world) const {
  const WorldLayout& layout = program_->layout;
  if (!few_agents_ || world.size() < layout.hot_bytes) return;
  Prefetch(world.first(sizeof(WorldHeader)));
  Prefetch(world.subspan(layout.occupied, layout.agent_stats - layout.occupied));
  Prefetch(world.subspan(layout.object_awake, layout.hot_bytes - layout.object_awake));
}

void Observer::FetchWindows(std::span<const std::byte> world) const {
  const WorldLayout& layout = program_->layout;
  if (!few_agents_ || world.size() < layout.hot_bytes) return;
  const std::size_t row_bytes = static_cast<std::size_t>(program_->obs.width) * sizeof(CellCode);
  const std::size_t stride = program_->map.stride() * sizeof(CellCode);
  for (std::size_t i = 0; i < program_->num_agents; ++i) {
    CellIndex cell;
    std::memcpy(&cell, world.data() + layout.agent_cell + i * sizeof(cell), sizeof(cell));
    std::size_t row = layout.cells + cell * sizeof(CellCode) -
                      static_cast<std::size_t>(program_->obs.height / 2) * stride - row_bytes / 2;
    for (std::int32_t line = 0; line < program_->obs.height; ++line, row += stride) {
      if (row >= world.size() || row + row_bytes > world.size()) break;  // an agent that is not on the map
      Prefetch(world.subspan(row, row_bytes));
    }
  }
}

inline std::uint8_t* Observer::WriteVisits(const World& world, AgentId agent, std::uint8_t* out) const {
  const std::uint8_t* const visits = VisitsOf(world, agent) + world.agents.cell[agent.index()];
  for (const VisitCell& cell : visit_cells_) {
    out = AddToken(out, cell.location, feature::kVisitationCounts, visits[cell.offset]);
  }
  return out;
}

inline std::uint8_t* Observer::WriteGlobals(const World& world, AgentId agent, std::uint8_t completion,
                                            std::uint8_t* out) const {
  const ObservationSpec& obs = program_->obs;
  const std::size_t i = agent.index();
  if (obs.episode_completion_pct) out = AddToken(out, kGlobalLocation, feature::kEpisodeCompletion, completion);
  if (obs.last_action) out = AddToken(out, kGlobalLocation, feature::kLastAction, world.agents.last_action[i]);
  if (obs.last_reward) {
    out = AddToken(out, kGlobalLocation, feature::kLastReward, RewardValue(world.agents.reward[i]));
  }
  if (obs.visitation_counts) [[unlikely]]
    out = WriteVisits(world, agent, out);
  return out;
}

template <std::size_t kWords, std::uint32_t kHeight, std::size_t kGroups, bool kSight>
inline RankSet<kWords> Observer::VisibleThings(const World& world, CellIndex centre) const {
  RankSet<kWords> things = window_.Occupied<kWords, kHeight, kGroups>(world.occupied, centre);
  if constexpr (kSight) {
    RankSet<kWords> opaque{};
    ForEachRank(things, [&](std::size_t rank) {
      const bool hides = IsOpaque(world, world.cells[centre + static_cast<CellIndex>(window_.offsets()[rank])]);
      opaque[rank / 64] |= std::uint64_t{hides} << (rank % 64);
    });
    const RankSet<kWords> seen = line_of_sight_->Seen(opaque);
    for (std::size_t word = 0; word < kWords; ++word) things[word] &= seen[word];
  }
  return things;
}

template <std::size_t kWords, std::uint32_t kHeight, std::size_t kGroups, bool kSight>
TokenCounts Observer::WriteTokens(const World& world, std::span<std::uint8_t> rows,
                                  std::span<std::uint16_t> used_tokens, std::span<const std::byte> next_world) const {
  const std::size_t row_bytes = static_cast<std::size_t>(program_->obs.num_tokens) * kTokenBytes;
  const std::size_t run_bytes = program_->layout.run_bytes;
  const std::int32_t* const offsets = window_.offsets();
  const LocationPattern* const patterns = patterns_.data();
  const std::uint8_t completion = CompletionValue(world);
  Prefetcher prefetcher(HotPart(next_world), program_->num_agents);
  FetchColumns(next_world);
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
    const std::uint64_t dropped_before = counts.dropped;
    const auto visible = VisibleThings<kWords, kHeight, kGroups, kSight>(world, world.agents.cell[i]);
    ForEachRank(visible, [&](std::size_t rank) {
      const std::uint8_t* const run = world.runs + centre[offsets[rank]] * run_bytes;
      const std::size_t bytes = kTokenBytes * run[run_bytes - 1];
      if (row.HasRoom(out, bytes)) [[likely]] {
        CopyRun(out, run, bytes, patterns[rank]);
        out += bytes;
      } else {
        out = row.CopyWhatFits(out, run, bytes, patterns[rank], counts.dropped);
      }
    });
    const auto used = static_cast<std::size_t>(out - begin) / kTokenBytes;
    if (counts.dropped != dropped_before && program_->obs.overflow_is_error) [[unlikely]] {
      RaiseOverflow(world, AgentId(i), used + counts.dropped - dropped_before);
    }
    counts.written += used;
    used_tokens[i] = static_cast<std::uint16_t>(used);
    std::memset(out, kPadding, static_cast<std::size_t>(row.end - out));
  }
  FetchWindows(next_world);
  return counts;
}

std::size_t Observer::FillGlobals(const World& world, AgentId agent, std::uint8_t completion, std::uint8_t* box) const {
  const ObservationSpec& obs = program_->obs;
  const std::size_t i = agent.index();
  std::size_t filled = 0;
  const auto fill = [&](std::uint8_t feature, std::uint8_t value) {
    std::memset(box + planes_[feature], value, obs.num_cells());
    ++filled;
  };
  if (obs.episode_completion_pct) fill(feature::kEpisodeCompletion, completion);
  if (obs.last_action) fill(feature::kLastAction, world.agents.last_action[i]);
  if (obs.last_reward) fill(feature::kLastReward, RewardValue(world.agents.reward[i]));
  if (obs.visitation_counts) {
    const std::uint8_t* const visits = VisitsOf(world, agent) + world.agents.cell[i];
    for (const VisitCell& cell : visit_cells_) {
      box[planes_[feature::kVisitationCounts] + cell.place] = visits[cell.offset];
      ++filled;
    }
  }
  return filled;
}

template <std::size_t kWords, std::uint32_t kHeight, std::size_t kGroups, bool kSight>
TokenCounts Observer::WriteBoxes(const World& world, std::span<std::uint8_t> rows, std::span<std::uint16_t> used_tokens,
                                 std::span<const std::byte> next_world) const {
  const std::size_t row_bytes = program_->obs.num_bytes();
  const std::size_t run_bytes = program_->layout.run_bytes;
  const std::int32_t* const offsets = window_.offsets();
  const std::uint8_t completion = CompletionValue(world);
  Prefetcher prefetcher(HotPart(next_world), program_->num_agents);
  FetchColumns(next_world);
  TokenCounts counts;

  for (std::size_t i = 0; i < program_->num_agents; ++i) {
    prefetcher.AskForMore();
    std::uint8_t* const box = rows.data() + i * row_bytes;
    std::memset(box, 0, row_bytes);
    used_tokens[i] = 0;
    if (!world.IsHere(AgentId(i))) [[unlikely]]
      continue;
    std::size_t used = FillGlobals(world, AgentId(i), completion, box);
    const CellCode* const centre = world.cells + world.agents.cell[i];
    const auto visible = VisibleThings<kWords, kHeight, kGroups, kSight>(world, world.agents.cell[i]);
    ForEachRank(visible, [&](std::size_t rank) {
      const CellCode code = centre[offsets[rank]];
      std::uint8_t* const cell = box + places_[rank];
      used += SpreadRun(world.runs + code * run_bytes, run_bytes, planes_, cell);
      *cell = program_->IsAgent(code) ? 1 : 0;
    });
    counts.written += used;
    used_tokens[i] = static_cast<std::uint16_t>(used);
  }
  FetchWindows(next_world);
  return counts;
}

void Observer::RaiseOverflow(const World& world, AgentId agent, std::uint64_t needed) const {
  Raise<EnvError>("environment ", world.header().env, ": the observation of agent ", agent.value, " needs ", needed,
                  " tokens, but obs.num_tokens=", program_->obs.num_tokens,
                  " and obs.overflow='error'. Set obs.num_tokens>=", needed,
                  ", a smaller window, or obs.overflow='drop_far'.");
}

}  // namespace mettagrid
