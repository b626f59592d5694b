#include "mettagrid/objects/game_program.h"

#include <algorithm>
#include <limits>

#include "mettagrid/config/check_config.h"
#include "mettagrid/core/check.h"
#include "mettagrid/objects/assembler.h"
#include "mettagrid/objects/chest.h"
#include "mettagrid/objects/converter.h"
#include "mettagrid/objects/door.h"
#include "mettagrid/objects/object_kinds.h"
#include "mettagrid/objects/pile.h"
#include "mettagrid/objects/plant.h"

namespace mettagrid {
namespace {

constexpr std::size_t kAgentTokens = 4;  // type_id, group, frozen, orientation

class Compiler {
 public:
  explicit Compiler(const GameConfig& config) : config_(config) {}

  GameProgram Run() {
    CheckConfig(config_);
    const std::string& profile = config_.profile;
    MG_CHECK(profile == "classic" || profile == "use" || profile == "energy", ConfigError, "profile='", profile,
             "', expected 'classic', 'use' or 'energy'.");
    CompileSizes();
    CompileGroups();
    CompileObjects();
    CompileMapAndCodes();
    CompileActions(config_.actions, names_, game_);
    CompileSystems(config_.systems, names_, game_);
    CompileAgents();
    FitAgentsToSystems(game_);
    game_.layout = LayOutWorld(game_, MaxTokens());
    return std::move(game_);
  }

 private:
  void CompileSizes() {
    Ranged("resource_names: their number", static_cast<std::int64_t>(config_.resource_names.size()), 0,
           std::int64_t{kMaxResources});
    game_.resource_names = config_.resource_names;
    game_.stats = StatSlots(game_.resource_names);
    game_.num_agents =
        static_cast<std::uint32_t>(Ranged("num_agents", config_.num_agents, 1, static_cast<std::int64_t>(kMaxAgents)));
    game_.max_steps =
        static_cast<std::uint32_t>(Ranged("max_steps", config_.max_steps, 0, std::numeric_limits<std::int32_t>::max()));
    game_.obs = CompileObservation(config_.obs);
  }

  void CompileGroups() {
    MG_CHECK(!config_.groups.empty() && config_.groups.size() <= 256, ConfigError, "groups has ", config_.groups.size(),
             " entries, expected 1 .. 256.");
    things_.things.push_back({"agent", {Thing::Kind::kAgent, 0}});
    for (std::size_t i = 0; i < config_.groups.size(); ++i) {
      const auto& [name, group] = config_.groups[i];
      game_.group_names.push_back(name);
      game_.group_ids.push_back(static_cast<std::uint8_t>(Ranged("groups." + name + ".id", group.id, 0, 255)));
      things_.things.push_back({"agent." + name, {Thing::Kind::kAgent, static_cast<std::uint8_t>(i)}});
    }
  }

  void CompileObjects() {
    Ranged("objects: their number", static_cast<std::int64_t>(config_.objects.size()), 0, kMaxObjectKinds);
    for (const auto& [name, object] : config_.objects) {
      std::visit([&, &name = name](const auto& config) { AddObject(name, config); }, object);
    }
  }

  void AddObject(const std::string& name, const WallConfig& config) { AddStatic(name, config, false); }
  void AddObject(const std::string& name, const BlockConfig& config) { AddStatic(name, config, true); }

  void AddStatic(const std::string& name, const WallConfig& config, bool movable) {
    things_.things.push_back({name, {Thing::Kind::kStatic, static_cast<std::uint8_t>(game_.statics.size())}});
    game_.statics.push_back({.name = name,
                             .type_id = TypeId(name, config.type_id),
                             .swappable = config.swappable,
                             .movable = movable,
                             .opaque = config.opaque});
  }

  // Anything with a state: Compile is found beside its kind.
  template <class ConfigOfKind>
  void AddObject(const std::string& name, const ConfigOfKind& config) {
    const auto index = static_cast<std::uint8_t>(game_.object_types.size());
    ObjectType& type = game_.object_types.emplace_back();
    type.name = name;
    type.type_id = TypeId(name, config.type_id);
    Compile(config, "objects." + name, names_, type);
    things_.things.push_back({name, {Thing::Kind::kObject, index, type.on_floor}});
  }

  static std::uint8_t TypeId(const std::string& name, std::int64_t type_id) {
    return static_cast<std::uint8_t>(Ranged("objects." + name + ".type_id", type_id, 1, 255));
  }

  void CompileMapAndCodes() {
    // A weapon reaches 3 cells ahead; a window half its size; some objects look around. All may look past the map's
    // edge.
    std::uint32_t reach = 3;
    for (const ObjectType& type : game_.object_types) {
      reach = std::max(reach, type.reach);
      game_.memory_words = std::max(game_.memory_words, type.memory_words);
      game_.has_floor |= type.on_floor;
    }
    const std::uint32_t pad_x = std::max(reach, static_cast<std::uint32_t>(game_.obs.width / 2));
    const std::uint32_t pad_y = std::max(reach, static_cast<std::uint32_t>(game_.obs.height / 2));
    game_.map = CompileMap(config_.map, things_, game_.num_agents, pad_x, pad_y);
    std::vector<std::uint64_t> capacity = game_.map.Capacity(game_.object_types.size());
    game_.first_agent_code = static_cast<CellCode>(1 + game_.statics.size());
    game_.first_object_code = static_cast<CellCode>(game_.first_agent_code + game_.num_agents);
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < capacity.size(); ++i) {
      ObjectType& type = game_.object_types[i];
      const std::uint64_t spare = type.spare + std::uint64_t{type.spare_per_agent} * game_.num_agents;
      MG_CHECK(spare == 0 || capacity[i] == 0, ConfigError, "the map places '", type.name,
               "', which comes into being during an episode only. Remove it from the map.");
      capacity[i] += spare;
      MG_CHECK(game_.first_object_code + total + capacity[i] < kOutside, ConfigError, "the map holds more than ",
               kOutside - game_.first_object_code, " objects. Lower map.objects.", type.name, ".");
      type.first = static_cast<std::uint16_t>(total);
      type.count = static_cast<std::uint16_t>(capacity[i]);
      total += capacity[i];
      game_.type_of_object.resize(total, static_cast<std::uint8_t>(i));
    }
  }

  void CompileAgents() {
    for (const auto& [name, group] : config_.groups) {
      const std::string key = "groups." + name;
      game_.agent_rules.push_back(group.agent ? CompileAgent(*group.agent, key + ".agent", names_)
                                              : CompileAgent(config_.agent, "agent", names_));
      AddTeamLimits(group, key, names_, game_.agent_rules.back());
    }
    game_.dealt_groups = DealGroups(config_.groups, game_.num_agents);
    MG_CHECK(game_.dealt_groups.empty() || game_.map.named_group.empty(), ConfigError, "the map places '",
             game_.map.named_group,
             "', while groups.<name>.count deals agents to groups. Place plain 'agent', or remove ", "the counts.");
    game_.sharing = CompileSharing(config_);
    game_.goals = CompileGoals(config_.terminate_when, names_);
  }

  std::size_t MaxTokens() const {
    const ActionsConfig& actions = config_.actions;
    std::size_t most = kAgentTokens + game_.num_resources();
    for (const bool shown : {actions.change_color.enabled, actions.shield.enabled, actions.change_glyph.enabled}) {
      most += shown ? 1 : 0;
    }
    const std::size_t clipped = game_.systems.clipper.enabled ? 1 : 0;
    for (const ObjectType& type : game_.object_types)
      most = std::max(most, clipped + 1 + KindOf(type).max_tokens(type));
    return most;
  }

  const GameConfig& config_;
  ThingNames things_;
  GameProgram game_;
  Names names_{game_.resource_names, game_.stats};
};

}  // namespace

GameProgram CompileGame(const GameConfig& config, std::vector<std::uint8_t> features) {
  GameProgram game = Compiler(config).Run();
  game.obs.features = CheckedFeatures(std::move(features), game.num_resources());
  return game;
}

}  // namespace mettagrid
