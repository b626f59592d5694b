#include "mettagrid/env/episode_record.h"

#include <algorithm>

#include "mettagrid/env/social_metrics.h"

namespace mettagrid {
namespace {

constexpr std::size_t kFlatHeader = 9;

// What the map held at the end; agents do not count as objects.
std::vector<double> CountObjects(const World& world) {
  const GameProgram& program = *world.program;
  std::vector<double> counts(program.statics.size(), 0.0);
  for (std::size_t cell = 0; cell < program.map.num_cells(); ++cell) {
    const CellCode code = world.cells[cell];
    if (program.IsStatic(code)) counts[code - 1U] += 1.0;
  }
  for (const ObjectType& type : program.object_types) {
    const CellIndex* const first = world.objects.cell + type.first;
    counts.push_back(static_cast<double>(type.count - std::count(first, first + type.count, kNowhere)));
  }
  return counts;
}

}  // namespace

std::vector<std::string> GameStatNames(const GameProgram& program) {
  std::vector<std::string> names = {"tokens_written",  "tokens_dropped",        "social.efficiency",
                                    "social.equality", "social.sustainability", "social.peace"};
  for (const StaticType& type : program.statics) names.push_back("objects." + type.name);
  for (const ObjectType& type : program.object_types) names.push_back("objects." + type.name);
  return names;
}

EpisodeRecord MakeRecord(const World& world) {
  const GameProgram& program = *world.program;
  const WorldHeader& header = world.header();
  const std::size_t agents = program.num_agents;
  EpisodeRecord record;
  record.tick = header.ticks;
  record.env = header.env;
  record.episode = header.episode;
  record.length = header.step;
  record.terminated = header.terminated != 0;
  record.truncated = header.truncated != 0;
  record.partial = header.partial != 0;
  record.returns.assign(world.agents.episode_return, world.agents.episode_return + agents);
  record.agent_stats.resize(program.stats.size() * agents);
  record.group_rewards.assign(program.group_ids.size(), 0.0);
  record.group_sizes.assign(program.group_ids.size(), 0.0);
  for (std::size_t i = 0; i < agents; ++i) {
    const AgentId agent(i);
    const auto stats = world.Stats(agent);
    for (std::size_t slot = 0; slot < stats.size(); ++slot) record.agent_stats[slot * agents + i] = stats[slot];
    const auto held = world.Inventory(agent);
    for (std::size_t item = 0; item < held.size(); ++item) {
      record.agent_stats[program.stats.Held(item) * agents + i] = held[item];
    }
    const std::size_t group = world.agents.group[i];
    record.group_rewards[group] += world.agents.episode_return[i];
    record.group_sizes[group] += 1.0;
    record.agent_groups.push_back(program.group_ids[group]);
    record.entered.push_back(world.agents.presence[i] == Presence::kWaiting ? 0 : 1);
  }
  const SocialMetrics society = MeasureSociety(world);
  record.game_stats = {static_cast<double>(header.tokens_written),
                       static_cast<double>(header.tokens_dropped),
                       society.efficiency,
                       society.equality,
                       society.sustainability,
                       society.peace};
  const auto objects = CountObjects(world);
  record.game_stats.insert(record.game_stats.end(), objects.begin(), objects.end());
  return record;
}

void AppendFlat(const EpisodeRecord& record, std::vector<double>& flat) {
  flat.insert(flat.end(),
              {static_cast<double>(record.tick), static_cast<double>(record.env), static_cast<double>(record.episode),
               static_cast<double>(record.length), static_cast<double>(record.game), record.terminated ? 1.0 : 0.0,
               record.truncated ? 1.0 : 0.0, record.partial ? 1.0 : 0.0, static_cast<double>(record.returns.size())});
  for (const auto* part :
       {&record.returns, &record.agent_stats, &record.game_stats, &record.group_rewards, &record.group_sizes}) {
    flat.insert(flat.end(), part->begin(), part->end());
  }
  flat.insert(flat.end(), record.agent_groups.begin(), record.agent_groups.end());
  flat.insert(flat.end(), record.entered.begin(), record.entered.end());
}

EpisodeRecord ReadFlat(std::span<const GamePtr> games, const std::vector<double>& flat, std::size_t& position) {
  const bool knows_game = flat.size() - position >= kFlatHeader && flat[position + 4] >= 0.0 &&
                          flat[position + 4] < static_cast<double>(games.size());
  MG_CHECK(knows_game, EnvError, "the snapshot's episode records are cut off, or of none of the ", games.size(),
           " games of this batch.");
  const GameProgram& program = games[static_cast<std::size_t>(flat[position + 4])]->program;
  const std::size_t agents = program.num_agents;
  const std::size_t groups = program.group_ids.size();
  const std::size_t game_stats = GameStatNames(program).size();
  const std::size_t needed =
      kFlatHeader + agents + program.stats.size() * agents + game_stats + groups + groups + agents + agents;
  MG_CHECK(flat.size() - position >= needed && flat[position + 8] == static_cast<double>(agents), EnvError,
           "the snapshot's episode records do not fit this game: ", flat.size() - position,
           " numbers left, a record has ", needed, ".");
  const double* next = flat.data() + position;
  EpisodeRecord record;
  record.tick = static_cast<std::uint64_t>(next[0]);
  record.env = static_cast<std::uint32_t>(next[1]);
  record.episode = static_cast<std::uint32_t>(next[2]);
  record.length = static_cast<std::uint32_t>(next[3]);
  record.game = static_cast<std::uint32_t>(next[4]);
  record.terminated = next[5] != 0.0;
  record.truncated = next[6] != 0.0;
  record.partial = next[7] != 0.0;
  next += kFlatHeader;
  const auto take = [&next](std::vector<double>& part, std::size_t count) {
    part.assign(next, next + count);
    next += count;
  };
  take(record.returns, agents);
  take(record.agent_stats, program.stats.size() * agents);
  take(record.game_stats, game_stats);
  take(record.group_rewards, groups);
  take(record.group_sizes, groups);
  for (std::size_t i = 0; i < agents; ++i) record.agent_groups.push_back(static_cast<std::uint8_t>(next[i]));
  for (std::size_t i = agents; i < 2 * agents; ++i) record.entered.push_back(next[i] != 0.0 ? 1 : 0);
  position += needed;
  return record;
}

}  // namespace mettagrid
