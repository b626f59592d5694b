#include <algorithm>
#include <sstream>

#include "mettagrid/env/vec_env.h"

// The games of a batch: which there are, and who plays which.

namespace mettagrid {
namespace {

// Lists what differs between two games' spaces.
class Differences {
 public:
  template <class T>
  void Compare(const char* what, const T& got, const T& expected) {
    if (got != expected) text_ << "; " << what << " is " << got << ", expected " << expected;
  }
  void Compare(const char* what, const std::vector<std::string>& got, const std::vector<std::string>& expected) {
    if (got == expected) return;
    text_ << "; " << what << " are";
    for (const std::string& name : got) text_ << " '" << name << "'";
    text_ << ", expected";
    for (const std::string& name : expected) text_ << " '" << name << "'";
  }
  std::string Take() const { return text_.str(); }

 private:
  std::ostringstream text_;
};

std::vector<std::string> ActionNames(const GameProgram& program) {
  std::vector<std::string> names;
  for (const Action& action : program.actions) names.push_back(action.name);
  return names;
}

const char* NameOf(ObservationKind kind) { return kind == ObservationKind::kBox ? "box" : "tokens"; }

std::vector<std::string> FeatureIds(const GameProgram& program) {
  std::vector<std::string> ids;
  for (const std::uint8_t id : program.obs.features) ids.push_back(std::to_string(id));
  return ids;
}

}  // namespace

void VecEnv::CheckSpaces(const GameProgram& other) const {
  const GameProgram& mine = program();
  Differences differences;
  differences.Compare("num_agents", other.num_agents, mine.num_agents);
  differences.Compare("obs.width", other.obs.width, mine.obs.width);
  differences.Compare("obs.height", other.obs.height, mine.obs.height);
  differences.Compare("obs.kind", NameOf(other.obs.kind), NameOf(mine.obs.kind));
  differences.Compare("obs.num_tokens", other.obs.num_tokens, mine.obs.num_tokens);
  differences.Compare("obs.global_state", other.obs.global_state, mine.obs.global_state);
  if (mine.obs.global_state) {
    differences.Compare("the map's height", other.map.height, mine.map.height);
    differences.Compare("the map's width", other.map.width, mine.map.width);
  }
  if (mine.obs.global_state || mine.obs.kind == ObservationKind::kBox) {
    differences.Compare("the features", FeatureIds(other), FeatureIds(mine));
  }
  differences.Compare("resource_names", other.resource_names, mine.resource_names);
  differences.Compare("the actions", ActionNames(other), ActionNames(mine));
  const std::string found = differences.Take();
  MG_CHECK(found.empty(), ConfigError, "the games of a batch need equal spaces", found, ".");
}

std::size_t VecEnv::NumberOf(const GamePtr& game) const {
  return static_cast<std::size_t>(std::find(games_.begin(), games_.end(), game) - games_.begin());
}

bool VecEnv::IsInUse(std::size_t game) const {
  const GamePtr& pointer = games_[game];
  return std::any_of(
             envs_.begin(), envs_.end(),
             [&pointer](const Env& env) { return env.game_pointer() == pointer || env.next_game() == pointer; }) ||
         std::any_of(episodes_.begin(), episodes_.end(),
                     [game](const EpisodeRecord& record) { return record.game == game; });
}

std::size_t VecEnv::AddGame(const GamePtr& game) {
  Wait();
  if (const std::size_t known = NumberOf(game); known < games_.size()) return known;
  CheckSpaces(game->program);
  for (std::size_t number = 1; number < games_.size(); ++number) {  // number 0 is the batch's own
    if (IsInUse(number)) continue;
    games_[number] = game;
    return number;
  }
  games_.push_back(game);
  return games_.size() - 1;
}

void VecEnv::SetGame(std::size_t env, std::size_t game) {
  Wait();
  MG_CHECK(game < games_.size(), EnvError, "game ", game, " does not exist, expected 0 .. ", games_.size() - 1, ".");
  envs_[CheckedEnv(env)].SetNextGame(games_[game]);
}

std::pair<std::size_t, std::size_t> VecEnv::Playing(std::size_t env) {
  Wait();
  const Env& one = envs_[CheckedEnv(env)];
  const std::size_t now = NumberOf(one.game_pointer());
  return {now, one.next_game() == nullptr ? now : NumberOf(one.next_game())};
}

void VecEnv::ReplaceGames(std::vector<GamePtr> games, std::span<const std::pair<std::size_t, std::size_t>> playing) {
  Wait();
  MG_CHECK(!games.empty() && playing.size() == envs_.size(), EnvError, "got ", games.size(), " games and ",
           playing.size(), " environments that play them, expected at least one game and ", envs_.size(),
           " environments.");
  for (const GamePtr& game : games) CheckSpaces(game->program);
  for (const auto& [now, next] : playing) {
    MG_CHECK(std::max(now, next) < games.size(), EnvError, "an environment plays game ", std::max(now, next),
             ", expected 0 .. ", games.size() - 1, ".");
  }
  for (std::size_t env = 0; env < envs_.size(); ++env) {
    envs_[env].Play(games[playing[env].first]);
    envs_[env].SetNextGame(games[playing[env].second]);
  }
  episodes_.clear();
  games_ = std::move(games);
}

}  // namespace mettagrid
