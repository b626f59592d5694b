#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>

#include "bind.h"
#include "checked_span.h"
#include "inspect.h"
#include "mettagrid/env/vec_env.h"

namespace mettagrid::bindings {
namespace {

using Release = py::gil_scoped_release;

struct BoundArrays {
  py::tuple arrays;
};

// The batch as Python has it: holds the arrays that are bound, and no others. (keep_alive would hold every array that
// was ever bound.) Bases end in reverse order, so the threads have stopped when the arrays are let go.
struct VecEnv final : BoundArrays, mettagrid::VecEnv {
  using mettagrid::VecEnv::VecEnv;
};

std::unique_ptr<VecEnv> Make(const std::vector<std::shared_ptr<Game>>& games, std::size_t num_envs,
                             std::size_t num_slots, std::size_t num_threads, bool desync_episodes,
                             bool same_step_reset) {
  return std::make_unique<VecEnv>(std::vector<GamePtr>(games.begin(), games.end()),
                                  VecEnvOptions{num_envs, num_slots, num_threads, desync_episodes, same_step_reset});
}

std::span<std::uint8_t> BoundObservations(const char* name, const VecEnv& env, const py::object& array) {
  const auto rows = static_cast<py::ssize_t>(env.num_rows());
  const ObservationSpec& obs = env.program().obs;
  if (obs.kind == ObservationKind::kTokens) {
    return CheckedSpan<std::uint8_t>(name, array, {rows, obs.num_tokens, 3});
  }
  return CheckedSpan<std::uint8_t>(name, array,
                                   {rows, static_cast<py::ssize_t>(obs.num_channels()), obs.height, obs.width});
}

std::span<std::uint8_t> BoundState(const char* name, const VecEnv& env, const py::object& array) {
  if (!env.program().obs.global_state) {
    MG_CHECK(array.is_none(), ShapeError, name,
             " was given, but the game has no global state. Pass None, or set obs.global_state.");
    return {};
  }
  const auto channels = static_cast<py::ssize_t>(env.game().state.num_channels());
  return CheckedSpan<std::uint8_t>(
      name, array,
      {static_cast<py::ssize_t>(env.num_envs()), channels, static_cast<py::ssize_t>(env.program().map.height),
       static_cast<py::ssize_t>(env.program().map.width)});
}

struct NamedBytes {
  const char* name;
  std::span<const std::byte> bytes;
};

// Refuses buffers that share memory: each would overwrite the other's results. Called in every step by those who bind
// fresh arrays each time, so it compares the few pairs and allocates nothing.
void CheckApart(std::initializer_list<NamedBytes> buffers) {
  const std::less<const std::byte*> before;
  for (auto one = buffers.begin(); one != buffers.end(); ++one) {
    for (auto other = buffers.begin(); other != one; ++other) {
      const auto &a = one->bytes, &b = other->bytes;
      const bool overlap = before(a.data(), b.data() + b.size()) && before(b.data(), a.data() + a.size());
      MG_CHECK(a.empty() || b.empty() || !overlap, ShapeError, other->name, " and ", one->name,
               " share memory, expected an array of its own for each kind of result: native threads write them all. "
               "Allocate both, for example with VecBuffers.allocate.");
    }
  }
}

void Bind(VecEnv& env, const py::object& observations, const py::object& rewards, const py::object& terminated,
          const py::object& truncated, const py::object& first, const py::object& action_mask,
          const py::object& action_success, const py::object& used_tokens, const py::object& final_observations,
          const py::object& state, const py::object& final_state) {
  const auto rows = static_cast<py::ssize_t>(env.num_rows());
  const auto actions = static_cast<py::ssize_t>(env.program().num_actions());
  Buffers buffers{
      .observations = BoundObservations("observations", env, observations),
      .rewards = CheckedSpan<float>("rewards", rewards, {rows}),
      .terminated = CheckedSpan<bool>("terminated", terminated, {rows}),
      .truncated = CheckedSpan<bool>("truncated", truncated, {rows}),
      .first = CheckedSpan<bool>("first", first, {rows}),
      .action_mask = CheckedSpan<bool>("action_mask", action_mask, {rows, actions}),
      .action_success = CheckedSpan<bool>("action_success", action_success, {rows}),
      .used_tokens = CheckedSpan<std::uint16_t>("used_tokens", used_tokens, {rows}),
      .state = BoundState("state", env, state),
  };
  if (!final_observations.is_none()) {
    buffers.final_observations = BoundObservations("final_observations", env, final_observations);
  }
  if (!final_state.is_none()) buffers.final_state = BoundState("final_state", env, final_state);
  CheckApart({{"observations", std::as_bytes(buffers.observations)},
              {"rewards", std::as_bytes(buffers.rewards)},
              {"terminated", std::as_bytes(buffers.terminated)},
              {"truncated", std::as_bytes(buffers.truncated)},
              {"first", std::as_bytes(buffers.first)},
              {"action_mask", std::as_bytes(buffers.action_mask)},
              {"action_success", std::as_bytes(buffers.action_success)},
              {"used_tokens", std::as_bytes(buffers.used_tokens)},
              {"final_observations", std::as_bytes(buffers.final_observations)},
              {"state", std::as_bytes(buffers.state)},
              {"final_state", std::as_bytes(buffers.final_state)}});
  {
    const Release release;
    env.Bind(buffers);
  }
  env.arrays = py::make_tuple(observations, rewards, terminated, truncated, first, action_mask, action_success,
                              used_tokens, final_observations, state, final_state);
}

void Send(VecEnv& env, std::size_t slot, const py::object& actions, bool strict) {
  const auto rows = static_cast<py::ssize_t>(env.rows_per_slot());
  env.Send(slot, CheckedSpan<const std::int32_t>("actions", actions, {rows}), strict);
}

py::array_t<double> Column(const double* data, std::size_t size) {
  return py::array_t<double>(static_cast<py::ssize_t>(size), data);
}

py::dict RecordDict(const EpisodeRecord& record, const GameProgram& program) {
  const std::size_t agents = record.returns.size();
  py::dict data;
  data["env"] = record.env;
  data["episode"] = record.episode;
  data["length"] = record.length;
  data["game"] = record.game;
  data["terminated"] = record.terminated;
  data["truncated"] = record.truncated;
  data["partial"] = record.partial;
  data["returns"] = Column(record.returns.data(), agents);
  py::dict agent_stats;
  for (std::size_t slot = 0; slot < program.stats.size(); ++slot) {
    agent_stats[py::str(program.stats.names()[slot])] = Column(record.agent_stats.data() + slot * agents, agents);
  }
  data["agent_stats"] = agent_stats;
  py::dict game_stats;
  const auto names = GameStatNames(program);
  for (std::size_t i = 0; i < names.size(); ++i) game_stats[py::str(names[i])] = record.game_stats[i];
  data["game_stats"] = game_stats;
  py::dict group_stats;
  group_stats["reward"] = Column(record.group_rewards.data(), record.group_rewards.size());
  group_stats["agents"] = Column(record.group_sizes.data(), record.group_sizes.size());
  data["group_stats"] = group_stats;
  data["group_ids"] = py::array_t<std::int64_t>(
      py::cast(std::vector<std::int64_t>(record.agent_groups.begin(), record.agent_groups.end())));
  py::array_t<bool> entered(static_cast<py::ssize_t>(agents));
  std::transform(record.entered.begin(), record.entered.end(), entered.mutable_data(),
                 [](std::uint8_t flag) { return flag != 0; });
  data["entered"] = entered;
  return data;
}

// {phase: (nanoseconds, times it ended)} of one step, and what one look at the clock costs, as "clock".
py::dict StepTimed(VecEnv& env, const py::object& actions) {
  const auto chosen = CheckedSpan<const std::int32_t>("actions", actions, {static_cast<py::ssize_t>(env.num_rows())});
  constexpr int kLooks = 200;
  PhaseTimes times;
  PhaseTimes empty;
  {
    const Release release;
    env.StepTimed(chosen, times);
    empty.Begin();
    for (int i = 0; i < kLooks; ++i) empty.End(Phase::kReset);
  }
  py::dict phases;
  for (std::size_t i = 0; i < kPhaseNames.size(); ++i) {
    phases[kPhaseNames[i]] = py::make_tuple(times.entries()[i].nanoseconds, times.entries()[i].count);
  }
  phases["clock"] = py::make_tuple(empty.entries()[0].nanoseconds, empty.entries()[0].count);
  return phases;
}

py::list Drain(VecEnv& env) {
  std::vector<EpisodeRecord> records;
  {
    const Release release;
    records = env.DrainEpisodes();
  }
  py::list list;
  for (const EpisodeRecord& record : records) list.append(RecordDict(record, env.games()[record.game]->program));
  return list;
}

py::array_t<double> EpisodesFlat(VecEnv& env) {
  std::vector<double> flat;
  for (const EpisodeRecord& record : env.PeekEpisodes()) AppendFlat(record, flat);
  return Column(flat.data(), flat.size());
}

void RestoreEpisodes(VecEnv& env, const py::array_t<double, py::array::c_style | py::array::forcecast>& numbers) {
  const std::vector<double> flat(numbers.data(), numbers.data() + numbers.size());
  std::vector<EpisodeRecord> records;
  for (std::size_t position = 0; position < flat.size();) records.push_back(ReadFlat(env.games(), flat, position));
  env.ReplaceEpisodes(std::move(records));
}

py::bytes SnapshotEnv(VecEnv& env, std::size_t index) {
  const auto bytes = env.Snapshot(index);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void RestoreEnv(VecEnv& env, std::size_t index, const py::buffer& data) {
  const py::buffer_info info = data.request();
  MG_CHECK(info.itemsize == 1 && info.ndim == 1 && (info.size <= 1 || info.strides[0] == 1), ShapeError,
           "the snapshot must be contiguous bytes.");
  env.Restore(index, {static_cast<const std::byte*>(info.ptr), static_cast<std::size_t>(info.size)});
}

using Playing = std::vector<std::pair<std::size_t, std::size_t>>;

void ReplaceGames(VecEnv& env, const std::vector<std::shared_ptr<Game>>& games, const Playing& playing) {
  env.ReplaceGames(std::vector<GamePtr>(games.begin(), games.end()), playing);
}

py::array_t<std::uint8_t> StateCopy(VecEnv& env, std::size_t index) {
  const Env& one = env.env(index);
  const MapPlan& map = one.game().program.map;
  const GlobalState& state = one.game().state;
  py::array_t<std::uint8_t> array({static_cast<py::ssize_t>(state.num_channels()), static_cast<py::ssize_t>(map.height),
                                   static_cast<py::ssize_t>(map.width)});
  state.Write(one.world(), {array.mutable_data(), state.num_bytes()});
  return array;
}

py::array_t<Amount> InventoryCopy(VecEnv& env, std::size_t index) {
  const World& world = env.env(index).world();
  const auto agents = static_cast<py::ssize_t>(env.num_agents());
  const auto resources = static_cast<py::ssize_t>(env.program().num_resources());
  return py::array_t<Amount>({agents, resources}, world.agents.inventory);
}

}  // namespace

void BindVecEnv(py::module_& module) {
  py::class_<SavedWorld>(module, "SavedWorld", "One environment's world, kept in memory.")
      .def_property_readonly("num_bytes", [](const SavedWorld& saved) { return saved.bytes.size(); });
  py::class_<VecEnv>(module, "VecEnv", "A batch of environments on native threads.")
      .def(py::init(&Make), py::arg("games"), py::kw_only(), py::arg("num_envs"), py::arg("num_slots"),
           py::arg("num_threads"), py::arg("desync_episodes"), py::arg("same_step_reset") = false)
      .def("bind", &Bind, py::kw_only(), py::arg("observations"), py::arg("rewards"), py::arg("terminated"),
           py::arg("truncated"), py::arg("first"), py::arg("action_mask"), py::arg("action_success"),
           py::arg("used_tokens"), py::arg("final_observations") = py::none(), py::arg("state") = py::none(),
           py::arg("final_state") = py::none(), "Write results into these arrays from now on.")
      .def("reset", &VecEnv::Reset, py::arg("seed"), py::call_guard<Release>())
      .def("begin_next", &VecEnv::BeginNext, py::arg("env"), py::call_guard<Release>())
      .def("send", &Send, py::arg("slot"), py::arg("actions"), py::arg("strict") = false)
      .def("recv", &VecEnv::Recv, py::arg("slot"), py::call_guard<Release>())
      .def("wait", &VecEnv::Wait, py::call_guard<Release>())
      .def("step_timed", &StepTimed, py::arg("actions"))
      .def("drain_episodes", &Drain)
      .def("episodes_flat", &EpisodesFlat, "Pending episode records as numbers, for snapshots.")
      .def("restore_episodes", &RestoreEpisodes, py::arg("numbers"))
      .def("snapshot_env", &SnapshotEnv, py::arg("env"))
      .def("restore_env", &RestoreEnv, py::arg("env"), py::arg("data"))
      .def("save", &VecEnv::Save, py::arg("env"))
      .def("load", &VecEnv::Load, py::arg("env"), py::arg("saved"))
      .def("fork", &VecEnv::Fork, py::arg("from_env"), py::arg("to_env"))
      .def(
          "add_game", [](VecEnv& env, const std::shared_ptr<Game>& game) { return env.AddGame(game); }, py::arg("game"))
      .def("set_game", &VecEnv::SetGame, py::arg("env"), py::arg("game"))
      .def("playing", &VecEnv::Playing, py::arg("env"))
      .def("replace_games", &ReplaceGames, py::arg("games"), py::arg("playing"))
      .def("mark_ready", &VecEnv::MarkReady)
      .def(
          "state_hash", [](VecEnv& env, std::size_t index) { return env.env(index).StateHash(); }, py::arg("env"))
      .def("global_state", &StateCopy, py::arg("env"), "Everything on the map now, in any game.")
      .def("inventory", &InventoryCopy, py::arg("env"))
      .def(
          "set_inventory",
          [](VecEnv& env, std::size_t index, std::uint16_t agent, std::uint16_t item, Amount amount) {
            env.SetInventory(index, AgentId(agent), ItemId(item), amount);
          },
          py::arg("env"), py::arg("agent"), py::arg("item"), py::arg("amount"))
      .def(
          "grid_objects", [](VecEnv& env, std::size_t index) { return GridObjects(env.env(index).world()); },
          py::arg("env"))
      .def(
          "render", [](VecEnv& env, std::size_t index) { return RenderText(env.env(index).world()); }, py::arg("env"))
      .def(
          "step_count", [](VecEnv& env, std::size_t index) { return env.env(index).world().header().step; },
          py::arg("env"))
      .def(
          "episode", [](VecEnv& env, std::size_t index) { return env.env(index).world().header().episode; },
          py::arg("env"))
      .def_property_readonly("num_envs", &VecEnv::num_envs)
      .def_property_readonly("num_slots", &VecEnv::num_slots)
      .def_property_readonly("num_threads", &VecEnv::num_threads)
      .def_property_readonly("num_rows", &VecEnv::num_rows)
      .def_property_readonly("rows_per_slot", &VecEnv::rows_per_slot);
}

}  // namespace mettagrid::bindings
