#include "mettagrid/objects/game_program.h"

#include <algorithm>
#include <limits>

#include "mettagrid/core/check.h"

namespace mettagrid {
namespace {

constexpr std::int64_t kMaxResources = 238;  // feature ids 17 .. 254 are inventories
constexpr std::int64_t kMaxTokens = 4096;
constexpr std::size_t kAgentTokens = 4;      // type_id, group, frozen, orientation
constexpr std::size_t kConverterTokens = 3;  // type_id, converting, cooldown_remaining

std::int64_t Ranged(const std::string& key, std::int64_t value, std::int64_t least, std::int64_t most) {
  MG_CHECK(value >= least && value <= most, ConfigError, key, "=", value, ", expected ", least, " .. ", most, ".");
  return value;
}

class Compiler {
 public:
  explicit Compiler(const GameConfig& config) : config_(config) {}

  GameProgram Run() {
    MG_CHECK(config_.profile == "use", ConfigError, "profile='", config_.profile, "', expected 'use'.");
    CompileSizes();
    CompileGroups();
    CompileObjects();
    CompileMapAndCodes();
    CompileActions();
    CompileAgent();
    CompileRewards();
    std::size_t max_tokens = kAgentTokens + game_.num_resources();
    for (const ConverterType& type : game_.converter_types) {
      max_tokens = std::max(max_tokens, kConverterTokens + type.shown_items.size());
    }
    game_.layout = LayOutWorld(game_, max_tokens);
    return std::move(game_);
  }

 private:
  void CompileSizes() {
    game_.resource_names = config_.resource_names;
    Ranged("resource_names: their number", static_cast<std::int64_t>(config_.resource_names.size()), 0, kMaxResources);
    game_.num_agents =
        static_cast<std::uint32_t>(Ranged("num_agents", config_.num_agents, 1, static_cast<std::int64_t>(kMaxAgents)));
    game_.max_steps =
        static_cast<std::uint32_t>(Ranged("max_steps", config_.max_steps, 0, std::numeric_limits<std::int32_t>::max()));
    const ObservationConfig& obs = config_.obs;
    for (const auto& [key, size] : {std::pair{"obs.width", obs.width}, std::pair{"obs.height", obs.height}}) {
      MG_CHECK(size >= 3 && size <= 15 && size % 2 == 1, ConfigError, key, "=", size,
               ", expected an odd number 3 .. 15: the agent stands in the window's centre.");
    }
    game_.obs = {.width = static_cast<std::int32_t>(obs.width),
                 .height = static_cast<std::int32_t>(obs.height),
                 .num_tokens = static_cast<std::int32_t>(Ranged("obs.num_tokens", obs.num_tokens, 16, kMaxTokens)),
                 .episode_completion_pct = obs.episode_completion_pct,
                 .last_action = obs.last_action,
                 .last_reward = obs.last_reward};
    game_.stats = StatSlots(game_.resource_names, {"noop", "move", "attack"});
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
      if (const auto* wall = std::get_if<WallConfig>(&object)) {
        things_.things.push_back({name, {Thing::Kind::kStatic, static_cast<std::uint8_t>(game_.statics.size())}});
        game_.statics.push_back({name, TypeId(name, wall->type_id)});
      } else {
        const auto index = static_cast<std::uint8_t>(game_.converter_types.size());
        things_.things.push_back({name, {Thing::Kind::kConverter, index}});
        game_.converter_types.push_back(CompileConverter(name, std::get<ConverterConfig>(object)));
      }
    }
  }

  static std::uint8_t TypeId(const std::string& name, std::int64_t type_id) {
    return static_cast<std::uint8_t>(Ranged("objects." + name + ".type_id", type_id, 1, 255));
  }

  ConverterType CompileConverter(const std::string& name, const ConverterConfig& config) const {
    const std::string key = "objects." + name;
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    ConverterType type;
    type.name = name;
    type.type_id = TypeId(name, config.type_id);
    type.inputs = Resolve(key + ".input_resources", config.input_resources, 1);
    type.outputs = Resolve(key + ".output_resources", config.output_resources, 1);
    for (const auto* amounts : {&type.inputs, &type.outputs}) {
      for (const ItemAmount& entry : *amounts) type.shown_items.push_back(entry.item);
    }
    std::sort(type.shown_items.begin(), type.shown_items.end());
    const auto repeated = std::adjacent_find(type.shown_items.begin(), type.shown_items.end());
    MG_CHECK(repeated == type.shown_items.end(), ConfigError, key, " has '", game_.resource_names[repeated->index()],
             "' as input and output. Remove it from one of them.");
    type.max_output = static_cast<std::int32_t>(Ranged(key + ".max_output", config.max_output, -1, kMaxAmount));
    type.max_conversions =
        static_cast<std::int32_t>(Ranged(key + ".max_conversions", config.max_conversions, -1, kMost));
    type.conversion_ticks =
        static_cast<std::uint32_t>(Ranged(key + ".conversion_ticks", config.conversion_ticks, 1, kMaxTicks));
    type.cooldown = static_cast<std::uint32_t>(Ranged(key + ".cooldown", config.cooldown, 0, kMaxTicks));
    type.initial_amount =
        static_cast<Amount>(Ranged(key + ".initial_resource_count", config.initial_resource_count, 0, kMaxAmount));
    return type;
  }

  void CompileMapAndCodes() {
    // A weapon reaches 3 cells ahead; a window half its size. Both may look past the map's edge.
    const auto pad_x = static_cast<std::uint32_t>(std::max(3, game_.obs.width / 2));
    const auto pad_y = static_cast<std::uint32_t>(std::max(3, game_.obs.height / 2));
    game_.map = CompileMap(config_.map, things_, game_.num_agents, pad_x, pad_y);
    std::vector<std::uint64_t> counts(game_.converter_types.size(), 0);
    for (const FixedThing& fixed : game_.map.fixed) {
      if (fixed.thing.kind == Thing::Kind::kConverter) ++counts[fixed.thing.index];
    }
    for (const Region& region : game_.map.regions) {
      for (const Region::Batch& batch : region.batches) {
        if (batch.thing.kind == Thing::Kind::kConverter) counts[batch.thing.index] += batch.count;
      }
    }
    game_.first_agent_code = static_cast<CellCode>(1 + game_.statics.size());
    game_.first_converter_code = static_cast<CellCode>(game_.first_agent_code + game_.num_agents);
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      ConverterType& type = game_.converter_types[i];
      MG_CHECK(game_.first_converter_code + total + counts[i] < kOutside, ConfigError, "the map holds more than ",
               kOutside - game_.first_converter_code, " converters. Lower map.objects.", type.name, ".");
      type.first = static_cast<std::uint16_t>(total);
      type.count = static_cast<std::uint16_t>(counts[i]);
      total += counts[i];
      game_.type_of_converter.resize(total, static_cast<std::uint8_t>(i));
    }
  }

  void CompileActions() {
    game_.actions.push_back({"noop", ActionKind::kNoop, 0});
    game_.has_moves = config_.actions.move.enabled;
    game_.has_attacks = config_.actions.attack.enabled;
    if (game_.has_moves) {
      for (std::uint8_t i = 0; i < kNumOrientations; ++i) {
        constexpr const char* kNames[] = {"move_north", "move_south", "move_west", "move_east"};
        game_.actions.push_back({kNames[i], ActionKind::kMove, i});
      }
    }
    if (game_.has_attacks) {
      for (std::uint8_t i = 0; i < kNumAttackCells; ++i) {
        game_.actions.push_back({"attack_" + std::to_string(i), ActionKind::kAttack, i});
      }
    }
    const MoveConfig& move = config_.actions.move;
    const AttackConfig& attack = config_.actions.attack;
    game_.move_cost = Cost("actions.move", move.required_resources, move.consumed_resources);
    game_.attack_cost = Cost("actions.attack", attack.required_resources, attack.consumed_resources);
    game_.move_reserved.assign(game_.num_resources(), 0);
    for (const ItemAmount& price : game_.move_cost.consumed) game_.move_reserved[price.item.index()] = price.amount;
    game_.defense = Resolve("actions.attack.defense_resources", attack.defense_resources, 1);
    CompileOffsets();
  }

  void CompileOffsets() {
    const auto stride = static_cast<std::int32_t>(game_.map.stride());
    game_.move_offsets = {-stride, stride, -1, 1};
    const std::array<std::int32_t, kNumOrientations> left = {-1, 1, stride, -stride};  // of an agent facing N, S, W, E
    for (std::size_t facing = 0; facing < kNumOrientations; ++facing) {
      for (std::size_t cell = 0; cell < kNumAttackCells; ++cell) {
        constexpr std::int32_t kLateral[] = {0, 1, -1};  // straight, left, right
        game_.attack_offsets[facing][cell] =
            static_cast<std::int32_t>(cell / 3 + 1) * game_.move_offsets[facing] + kLateral[cell % 3] * left[facing];
      }
    }
  }

  void CompileAgent() {
    const AgentConfig& agent = config_.agent;
    const auto limit = Ranged("agent.default_resource_limit", agent.default_resource_limit, 0, kMaxAmount);
    game_.resource_limits.assign(game_.num_resources(), static_cast<Amount>(limit));
    for (const ItemAmount& entry : Resolve("agent.resource_limits", agent.resource_limits, 0)) {
      game_.resource_limits[entry.item.index()] = entry.amount;
    }
    game_.initial_inventory = Resolve("agent.initial_inventory", agent.initial_inventory, 0);
    for (const ItemAmount& entry : game_.initial_inventory) {
      MG_CHECK(entry.amount <= game_.resource_limits[entry.item.index()], ConfigError, "agent.initial_inventory.",
               game_.resource_names[entry.item.index()], "=", entry.amount, " exceeds the agent's limit of ",
               game_.resource_limits[entry.item.index()], ".");
    }
    game_.soul_bound.assign(game_.num_resources(), false);
    for (const std::string& name : agent.soul_bound_resources) {
      game_.soul_bound[Item("agent.soul_bound_resources", name).index()] = true;
    }
    game_.freeze_duration =
        static_cast<std::uint16_t>(Ranged("agent.freeze_duration", agent.freeze_duration, 0, kMaxTicks));
    game_.failure_penalty = static_cast<float>(agent.action_failure_penalty);
  }

  void CompileRewards() {
    const RewardsConfig& rewards = config_.agent.rewards;
    for (const auto& [name, weight] : rewards.inventory) {
      game_.rewards.push_back(
          {true, Item("agent.rewards.inventory", name).value, weight, Cap(rewards.inventory_max, name)});
    }
    const auto& names = game_.stats.names();
    for (const auto& [name, weight] : rewards.stats) {
      const auto found = std::find(names.begin(), names.end(), name);
      MG_CHECK(found != names.end(), ConfigError, "agent.rewards.stats names the statistic '", name,
               "', which no agent keeps; expected for example 'action.move.success'.");
      const auto slot = static_cast<std::uint16_t>(found - names.begin());
      const bool is_amount = slot < 3 * game_.num_resources() && slot % 3 == 2;
      game_.rewards.push_back(
          {is_amount, is_amount ? static_cast<std::uint16_t>(slot / 3) : slot, weight, Cap(rewards.stats_max, name)});
      game_.rewards_read_stats |= !is_amount;
    }
  }

  static double Cap(const Weights& caps, const std::string& name) {
    for (const auto& [known, cap] : caps) {
      if (known == name) return cap;
    }
    return std::numeric_limits<double>::infinity();
  }

  ActionCost Cost(const std::string& key, const Amounts& required, const Amounts& consumed) const {
    ActionCost cost{Resolve(key + ".required_resources", required, 0),
                    Resolve(key + ".consumed_resources", consumed, 0)};
    for (const ItemAmount& price : cost.consumed) {
      const auto same = std::find_if(cost.needed.begin(), cost.needed.end(),
                                     [&](const ItemAmount& entry) { return entry.item == price.item; });
      if (same == cost.needed.end()) {
        cost.needed.push_back(price);
      } else {
        same->amount = std::max(same->amount, price.amount);
      }
    }
    return cost;
  }

  ItemId Item(const std::string& key, const std::string& name) const {
    const auto& names = game_.resource_names;
    const auto found = std::find(names.begin(), names.end(), name);
    MG_CHECK(found != names.end(), ConfigError, key, " names the resource '", name,
             "', which resource_names does not declare. Rename it or declare it.");
    return ItemId(found - names.begin());
  }

  // In item order.
  std::vector<ItemAmount> Resolve(const std::string& key, const Amounts& amounts, std::int64_t least) const {
    std::vector<ItemAmount> resolved;
    for (const auto& [name, amount] : amounts) {
      const ItemId item = Item(key, name);
      resolved.push_back({item, static_cast<Amount>(Ranged(key + "." + name, amount, least, kMaxAmount))});
    }
    std::sort(resolved.begin(), resolved.end(), [](const auto& a, const auto& b) { return a.item < b.item; });
    return resolved;
  }

  const GameConfig& config_;
  ThingNames things_;
  GameProgram game_;
};

}  // namespace

GameProgram CompileGame(const GameConfig& config) { return Compiler(config).Run(); }

}  // namespace mettagrid
