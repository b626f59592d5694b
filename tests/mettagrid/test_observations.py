"""Parts of observations that random games seldom reach: overflow, big windows, many agents, long visits."""

from __future__ import annotations

import re

import numpy as np
import pytest

from metta.common.errors import ConfigError, EnvError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.read_observation import AGENT_ID, cell_features, state_features
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig


def drawn_config(*rows: str, **obs: object) -> MettaGridConfig:
    """The arena's rules on a small map."""
    agents = sum(row.count("@") for row in rows)
    changes = {"game.map": {"type": "ascii", "rows": rows}, "game.num_agents": agents}
    return make_arena().replace(changes | {f"game.obs.{key}": value for key, value in obs.items()})


def drawn(*rows: str, **obs: object) -> MettaGridEnv:
    return MettaGridEnv(drawn_config(*rows, **obs))


def test_overflow_can_be_an_error_that_says_what_is_needed() -> None:
    arena = make_arena(6).replace({"game.obs.num_tokens": 40, "game.obs.overflow": "error"})
    with pytest.raises(EnvError, match=r"environment 0: the observation of agent \d+ needs \d+ tokens") as caught:
        MettaGridEnv(arena, seed=3)
    assert "obs.num_tokens=40" in str(caught.value)
    needed = int(re.findall(r"needs (\d+)", str(caught.value))[0])
    assert needed > 40
    env = MettaGridEnv(arena.replace({"game.obs.overflow": "drop_far"}), seed=3)
    assert env.used_tokens.max() == 40, "the farthest tokens are dropped"
    whole = MettaGridEnv(arena.replace({"game.obs.num_tokens": 400}), seed=3)
    assert needed in whole.used_tokens.tolist()


def test_overflow_in_a_batch_names_the_environment() -> None:
    """On any thread; the batch says so again until it is sent or reset."""
    arena = make_arena(6).replace({"game.obs.num_tokens": 20, "game.obs.overflow": "error"})
    with pytest.raises(EnvError, match=r"environment \d+: the observation of agent"):
        make_vec_env(VecEnvConfig(env=arena, num_envs=4, num_threads=2), seed=3).recv(0)


@pytest.mark.parametrize("size", [13, 15])
@pytest.mark.parametrize("shape", ["square", "circle"])
def test_large_windows_reach_their_corners(size: int, shape: str) -> None:
    half = size // 2
    rows = (
        ["#" * (size + 2)] * (half + 1) + ["#" * (half + 1) + "@" + "#" * (half + 1)] + ["#" * (size + 2)] * (half + 1)
    )
    env = drawn(*rows, width=size, height=size, shape=shape, num_tokens=400)
    seen = cell_features(env.batch.observations[0], env.spec)
    assert len(seen) == {"square": size * size, "circle": {13: 121, 15: 157}[size]}[shape]
    assert ((0, 0) in seen) == (shape == "square")
    assert (0, half + 1) in seen, "beside the northern tip"
    assert seen[half, size - 1] == {"type_id": 1}
    env.close()


def test_visits_are_counted_where_a_step_ends() -> None:
    env = drawn("@..", visitation_counts=True, width=3, height=3)
    east = env.spec.action_names.index("move_east")
    for action in (0, east, 0):
        env.step(np.array([action], dtype=np.int32))
    cells = cell_features(env.batch.observations[0], env.spec)
    visits = {
        cell: features["visitation_counts"] for cell, features in cells.items() if "visitation_counts" in features
    }
    assert visits == {(1, 1): 2, (0, 1): 0, (2, 1): 0, (1, 0): 2, (1, 2): 0}
    for _ in range(300):
        env.step(np.zeros(1, dtype=np.int32))
    assert cell_features(env.batch.observations[0], env.spec)[1, 1]["visitation_counts"] == 255, "saturates"
    env.reset()
    assert cell_features(env.batch.observations[0], env.spec)[1, 1]["visitation_counts"] == 1
    env.close()


def test_visits_of_agents_that_enter_late_die_and_come_back() -> None:
    """Only steps that end with the agent there count: the one of its entrance does, those of its absence do not."""
    systems = {
        "population": {"initial_agents": 1, "enter_steps": [3]},
        "health": {"resource": "heart", "respawn_ticks": 2},
    }
    config = drawn_config("@..@", visitation_counts=True, width=3, height=3).replace(
        {"game.agent.initial_inventory": {"heart": 1}, "game.systems": systems}
    )
    env = MettaGridEnv(config, seed=0)

    def own_visits() -> list[int | None]:
        seen = (cell_features(row, env.spec).get((1, 1), {}) for row in env.batch.observations)
        return [features.get("visitation_counts") for features in seen]

    assert own_visits() == [1, None]
    for expected in ([2, None], [3, None], [4, 1], [5, 2]):
        env.step(np.zeros(2, dtype=np.int32))
        assert own_visits() == expected
    env.set_inventory(0, "heart", 0)
    for expected in ([None, 3], [None, 4], [6, 5], [7, 6]):
        env.step(np.zeros(2, dtype=np.int32))
        assert own_visits() == expected, "away for two steps, and what it saw before is not forgotten"
    env.close()


def test_state_tells_more_agents_apart_than_a_byte_holds() -> None:
    env = drawn(*["@" * 30] * 10, global_state=True)
    assert env.spec.state_channels[:2] == ("agent:id", "agent:id_high")
    assert env.batch.state is not None
    ids = [features[AGENT_ID] for _, features in sorted(state_features(env.batch.state[0], env.spec).items())]
    assert ids == list(range(1, 301))
    env.close()


def test_state_of_each_environment_stands_beside_its_rows() -> None:
    game = make_arena(6).replace({"game.obs.global_state": True})
    env = make_vec_env(VecEnvConfig(env=game, num_envs=4, num_slots=2, num_threads=2), seed=1)
    for slot in range(2):
        batch = env.recv(slot)
        assert batch.state is not None
        assert batch.state.shape == (2, *env.spec.state_shape)
        for place in range(2):
            agents = [item for item in env.grid_objects(2 * slot + place) if item["type"] == "agent"]
            for item in agents:
                assert batch.state[place, 0, item["r"], item["c"]] == item["agent_id"] + 1
    env.close()


def test_state_does_not_change_what_a_policy_needs() -> None:
    arena = make_arena(6)
    plain, watched = (MettaGridEnv(game) for game in (arena, arena.replace({"game.obs.global_state": True})))
    assert plain.spec.differences(watched.spec) == []
    assert plain.spec.digest() == watched.spec.digest()
    np.testing.assert_array_equal(plain.batch.observations, watched.batch.observations)


def test_unknown_forms_are_refused() -> None:
    for key in ("kind", "shape", "overflow"):
        with pytest.raises(ConfigError, match=f"{key}: Input should be"):
            make_arena().replace({f"game.obs.{key}": "round"})
