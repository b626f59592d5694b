#include "games.h"

#include "mettagrid/core/hash.h"
#include "mettagrid/core/rng.h"

namespace mettagrid::testing {
namespace {

Named<ObjectConfig> ArenaObjects() {
  return {
      {"wall", WallConfig{.type_id = 1}},
      {"mine_red", ConverterConfig{.type_id = 2, .output_resources = {{"ore_red", 1}}, .cooldown = 50}},
      {"generator_red", ConverterConfig{.type_id = 5,
                                        .input_resources = {{"ore_red", 1}},
                                        .output_resources = {{"battery_red", 1}},
                                        .cooldown = 25}},
      {"altar",
       ConverterConfig{
           .type_id = 8, .input_resources = {{"battery_red", 1}}, .output_resources = {{"heart", 1}}, .cooldown = 10}},
      {"lasery", ConverterConfig{.type_id = 15,
                                 .input_resources = {{"battery_red", 1}, {"ore_red", 2}},
                                 .output_resources = {{"laser", 1}},
                                 .cooldown = 10}},
      {"armory",
       ConverterConfig{
           .type_id = 16, .input_resources = {{"ore_red", 3}}, .output_resources = {{"armor", 1}}, .cooldown = 10}}};
}

}  // namespace

GameConfig ArenaConfig(std::int64_t num_agents) {
  GameConfig config;
  config.resource_names = {"heart", "ore_red", "battery_red", "laser", "armor"};
  config.num_agents = num_agents;
  config.agent.default_resource_limit = 50;
  config.agent.resource_limits = {{"heart", 255}};
  config.agent.rewards.inventory = {
      {"heart", 1.0}, {"ore_red", 0.1}, {"battery_red", 0.8}, {"laser", 0.5}, {"armor", 0.5}};
  config.agent.rewards.inventory_max = {
      {"heart", 100.0}, {"ore_red", 1.0}, {"battery_red", 1.0}, {"laser", 1.0}, {"armor", 1.0}};
  config.actions.attack.enabled = true;
  config.actions.attack.consumed_resources = {{"laser", 1}};
  config.actions.attack.defense_resources = {{"armor", 1}};
  config.objects = ArenaObjects();
  config.map = RoomsMapConfig{
      .rooms = (num_agents + 5) / 6,
      .objects = {{"wall", 10}, {"altar", 5}, {"mine_red", 10}, {"generator_red", 5}, {"lasery", 1}, {"armory", 1}}};
  return config;
}

GameConfig BrawlConfig() {
  GameConfig config = ArenaConfig(10);
  config.max_steps = 60;
  config.agent.freeze_duration = 4;
  config.agent.default_resource_limit = 6;
  config.agent.initial_inventory = {{"laser", 3}, {"armor", 1}, {"ore_red", 2}};
  config.agent.soul_bound_resources = {"heart"};
  config.agent.action_failure_penalty = 0.01;
  config.groups = {{"red", GroupConfig{0}}, {"blue", GroupConfig{1}}};
  for (auto& [name, object] : config.objects) {
    if (auto* converter = std::get_if<ConverterConfig>(&object)) converter->cooldown = 2;
  }
  config.map = RoomsMapConfig{
      .rooms = 3,
      .room_width = 7,
      .room_height = 6,
      .border_width = 1,
      .objects = {{"wall", 3}, {"altar", 1}, {"mine_red", 4}, {"generator_red", 3}, {"lasery", 2}, {"armory", 2}}};
  return config;
}

GameConfig BedlamConfig() {
  GameConfig config = ArenaConfig(8);
  config.resource_names.push_back("energy");
  config.max_steps = 70;
  AgentConfig& agent = config.agent;
  agent.default_resource_limit = 6;
  agent.resource_limits = {};
  agent.freeze_duration = 3;
  agent.initial_inventory = {{"heart", 3}, {"laser", 3}, {"armor", 1}, {"ore_red", 2}, {"energy", 4}};
  agent.soul_bound_resources = {"armor"};
  agent.shared_limits = {{"bag", SharedLimitConfig{9, {"ore_red", "battery_red", "laser"}}}};
  agent.rewards.terms = {{"wealth", RewardTermConfig{.resource = "ore_red", .weight = 0.05, .mode = "tick"}}};
  GroupConfig blue{.id = 1, .agent = agent, .count = 3, .reward_share = 0.5};
  blue.agent->freeze_duration = 0;
  config.groups = {{"red", GroupConfig{.id = 0, .count = 5, .limits = {{"ore_red", 12}, {"heart", 14}}}},
                   {"blue", blue}};

  ActionsConfig& actions = config.actions;
  actions.move.directions = actions.rotate.directions = 8;
  for (ActionConfig* family : std::initializer_list<ActionConfig*>{
           &actions.rotate, &actions.put_items, &actions.get_items, &actions.swap, &actions.change_color,
           &actions.change_glyph, &actions.shield, &actions.share, &actions.transfer, &actions.place_block,
           &actions.pick_block}) {
    family->enabled = true;
  }
  actions.attack.consumed_resources = {{"laser", 0.25}};
  actions.move.consumed_resources = {{"energy", 0.125}};
  actions.swap.required_resources = {{"energy", 1}};
  actions.shield.resource = "energy";
  actions.share.shareable_resources = {"ore_red", "energy", "heart"};
  actions.transfer.amounts = {{"ore_red", 1}, {"battery_red", 2}};
  actions.place_block.consumed_resources = {{"ore_red", 0.5}};
  actions.pick_block.returned_resources = {{"ore_red", 1}};

  SystemsConfig& systems = config.systems;
  systems.resource_loss = ResourceLossConfig{{{"battery_red", 0.05}}};
  systems.regeneration = RegenerationConfig{{{"energy", 2}, {"laser", 1}}, 3};
  systems.upkeep = UpkeepConfig{{{"energy", 0.25}}, "freeze"};
  systems.clipper = ClipperConfig{.period = 4, .unclipping_resources = {{"ore_red", 1}, {"laser", 1}}};
  systems.health = HealthConfig{.resource = "heart", .damage = 2, .freezes = true, .respawn_ticks = 4};
  systems.population = PopulationConfig{.initial_agents = 6, .enter_rate = 0.2, .leave_steps = {50}, .stay = 65};

  for (auto& [name, object] : config.objects) {
    if (auto* converter = std::get_if<ConverterConfig>(&object)) converter->cooldown = 2;
  }
  config.objects.emplace_back("block", BlockConfig{});
  config.objects.emplace_back("plant", PlantConfig{.resource = "ore_red", .max_stock = 2, .growth = {0.0, 0.5}});
  config.objects.emplace_back("door", DoorConfig{.key_resources = {{"ore_red", 1}}, .open_ticks = 2});
  config.objects.emplace_back("chest", ChestConfig{.resource = "ore_red", .initial = 1, .limit = 3});
  config.objects.emplace_back(
      "temple", AssemblerConfig{.recipes = {{.positions = {"Any"}, .output_resources = {{"heart", 1}}, .cooldown = 2},
                                            {.positions = {"Any", "Any"},
                                             .input_resources = {{"ore_red", 3}},
                                             .output_resources = {{"energy", 5}},
                                             .cooldown = 1}},
                                .outputs_to = "shared",
                                .allow_partial_usage = true,
                                .exhaustion = 0.5});
  config.map = RandomMapConfig{.width = 9,
                               .height = 9,
                               .border_width = 0,
                               .objects = {{"wall", 3},
                                           {"block", 4},
                                           {"mine_red", 3},
                                           {"generator_red", 3},
                                           {"plant", 5},
                                           {"door", 5},
                                           {"chest", 3},
                                           {"temple", 3}}};
  return config;
}

GameConfig DrawnConfig(std::vector<std::u32string> rows) {
  GameConfig config = ArenaConfig(0);
  for (const auto& row : rows) {
    for (const char32_t character : row) config.num_agents += character == U'@' ? 1 : 0;
  }
  config.map = AsciiMapConfig{.rows = std::move(rows),
                              .legend = {{U"#", "wall"},
                                         {U".", "empty"},
                                         {U"@", "agent"},
                                         {U"_", "altar"},
                                         {U"m", "mine_red"},
                                         {U"n", "generator_red"},
                                         {U"S", "lasery"},
                                         {U"o", "armory"}}};
  return config;
}

Batch::Batch(const GameConfig& config, std::size_t num_envs, std::size_t num_slots, std::size_t num_threads,
             bool desync, bool same_step)
    : env_(std::make_unique<VecEnv>(std::vector<GamePtr>{std::make_shared<const Game>(config)},
                                    VecEnvOptions{num_envs, num_slots, num_threads, desync, same_step})) {
  const std::size_t rows = env_->num_rows();
  const std::size_t actions = program().num_actions();
  observations_.resize(rows * program().obs.num_bytes());
  state_.resize(num_envs * env_->game().state.buffer_bytes());
  rewards_.resize(rows);
  used_tokens_.resize(rows);
  flags_ = std::make_unique<bool[]>(rows * (4 + actions));
  const std::span flags(flags_.get(), rows * (4 + actions));
  buffers_ = {.observations = observations_,
              .rewards = rewards_,
              .terminated = flags.subspan(0, rows),
              .truncated = flags.subspan(rows, rows),
              .first = flags.subspan(2 * rows, rows),
              .action_mask = flags.subspan(4 * rows),
              .action_success = flags.subspan(3 * rows, rows),
              .used_tokens = used_tokens_,
              .state = state_};
  if (same_step) {
    final_observations_.resize(observations_.size());
    buffers_.final_observations = final_observations_;
    final_state_.resize(state_.size());
    buffers_.final_state = final_state_;
  }
  env_->Bind(buffers_);
}

void Batch::Reset(std::uint64_t seed) {
  env_->Reset(seed);
  for (std::size_t slot = 0; slot < env_->num_slots(); ++slot) env_->Recv(slot);
}

void Batch::Step(std::span<const std::int32_t> actions) {
  const std::size_t size = env_->rows_per_slot();
  for (std::size_t slot = 0; slot < env_->num_slots(); ++slot) env_->Send(slot, actions.subspan(slot * size, size));
  for (std::size_t slot = 0; slot < env_->num_slots(); ++slot) env_->Recv(slot);
}

int Batch::Token(std::size_t row, int location, int feature) const {
  const auto tokens = Observation(row);
  for (std::size_t i = 0; i < tokens.size(); i += 3) {
    if (tokens[i] == location && tokens[i + 1] == feature) return tokens[i + 2];
  }
  return -1;
}

std::uint64_t Batch::Digest() const {
  std::uint64_t hash = HashBytes(std::as_bytes(buffers_.observations));
  hash = HashBytes(std::as_bytes(buffers_.rewards), hash);
  for (const auto& flags :
       {buffers_.terminated, buffers_.truncated, buffers_.first, buffers_.action_mask, buffers_.action_success}) {
    hash = HashBytes(std::as_bytes(flags), hash);
  }
  hash = HashBytes(std::as_bytes(buffers_.state), hash);
  return HashBytes(std::as_bytes(buffers_.used_tokens), hash);
}

std::int32_t Act(const GameProgram& program, std::string_view name) {
  for (std::size_t i = 0; i < program.actions.size(); ++i) {
    if (program.actions[i].name == name) return static_cast<std::int32_t>(i);
  }
  Raise<ConfigError>("no action '", name, "'");
}

void FillRandomActions(std::span<std::int32_t> actions, std::size_t num_actions, std::uint64_t seed,
                       std::uint32_t step) {
  RandomStream random(seed, 0, 0, step, Purpose::kMap);
  for (std::int32_t& action : actions) {
    action = static_cast<std::int32_t>(random.Below(static_cast<std::uint32_t>(num_actions)));
    if (random.Below(100) == 0) action = random.Below(2) == 0 ? -1 : static_cast<std::int32_t>(num_actions) + 5;
  }
}

std::size_t StatSlot(const GameProgram& program, const std::string& name) {
  const auto& names = program.stats.names();
  const auto found = std::find(names.begin(), names.end(), name);
  MG_CHECK(found != names.end(), ConfigError, "no agent keeps the statistic '", name, "'.");
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace mettagrid::testing
