"""Environments of one batch take up other games at their next reset, and snapshots bring the games along."""

from __future__ import annotations

import numpy as np
import pytest

from metta.common.errors import ConfigError, EnvError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from tests.mettagrid.strategies import Play

BASE = make_arena(2).replace({"game.max_steps": 3})
NOOP_PAYS = BASE.replace({"label": "idle", "game.agent.rewards.stats": {"action.noop.success": 1.0}})
SMALL = BASE.replace(
    {"label": "small", "game.map": {"type": "random", "width": 9, "height": 7, "objects": {"mine_red": 2}}}
).replace({"game.max_steps": 5})


def make(num_envs: int = 4, config: MettaGridConfig = BASE, autoreset: str = "next_step") -> VecEnv:
    batch = VecEnvConfig(env=config, num_envs=num_envs, num_threads=2, num_slots=1, desync_episodes=False)
    return make_vec_env(batch.replace({"autoreset": autoreset}), seed=1)


def step(env: VecEnv, play: Play | None = None) -> None:
    batch = env.recv(0)
    env.send(0, np.zeros(env.num_rows, dtype=np.int32) if play is None else play(batch))
    env.recv(0)


def test_the_game_changes_at_the_next_reset_and_records_name_it() -> None:
    env = make()
    env.set_game(1, NOOP_PAYS)
    env.set_game(2, SMALL)
    env.set_game(3, NOOP_PAYS)
    env.set_game(3, BASE)  # the last call counts
    for _ in range(3):
        step(env)
    assert [env.game(i).label for i in range(4)] == [BASE.label] * 4, "the episode in progress goes on"
    for _ in range(6):
        step(env)
    assert [env.game(i).label for i in range(4)] == [BASE.label, "idle", "small", BASE.label]
    records = env.drain_episodes()
    assert [(r.env, r.episode, r.game) for r in records if r.episode == 0] == [(i, 0, BASE.label) for i in range(4)]
    assert [(r.env, r.game, r.game_index, r.length) for r in records if r.episode == 1] == [
        (0, BASE.label, 0, 3),
        (1, "idle", 1, 3),
        (3, BASE.label, 0, 3),
        (2, "small", 2, 5),
    ]
    (idle,) = (r for r in records if r.game == "idle")
    assert idle.rewards.tolist() == [3.0, 3.0]
    (small,) = (r for r in records if r.game == "small")
    assert small.game_stats["objects.mine_red"] == 2.0
    env.reset(4)
    assert env.game(2).label == "small"


@pytest.mark.parametrize("autoreset", ["next_step", "same_step"])
def test_a_changed_environment_plays_as_one_that_never_knew_another_game(autoreset: str) -> None:
    """reset is a reset too: the batch then equals one made with that game."""
    env, fresh = make(3, autoreset=autoreset), make(3, SMALL, autoreset)
    for i in range(3):
        env.set_game(i, SMALL)
    env.reset(9)
    fresh.reset(9)
    play, again = Play(4), Play(4)
    for _ in range(14):
        step(env, play)
        step(fresh, again)
        assert [env.state_hash(i) for i in range(3)] == [fresh.state_hash(i) for i in range(3)]
        np.testing.assert_array_equal(env.observations, fresh.observations)


@pytest.mark.parametrize("autoreset", ["next_step", "same_step"])
def test_a_fresh_batch_goes_on_from_a_snapshot(autoreset: str) -> None:
    env, play = make(autoreset=autoreset), Play(1)
    for i, config in ((1, NOOP_PAYS), (2, SMALL)):
        env.set_game(i, config)
    for _ in range(7):
        step(env, play)
    env.set_game(0, SMALL)  # still to come when the state is taken
    state, here = env.snapshot(), env.observations.copy()
    pending = [(r.env, r.game) for r in env.drain_episodes()]
    assert {game for _, game in pending} == {BASE.label, "idle"}
    future = []
    other = make(autoreset=autoreset)
    other.restore(state)
    np.testing.assert_array_equal(other.recv(0).observations, here)
    assert [(r.env, r.game) for r in other.drain_episodes()] == pending
    for batch in (env, other):
        again = Play(6)
        for _ in range(9):
            step(batch, again)
        future.append(
            ([batch.state_hash(i) for i in range(4)], batch.observations.tobytes(), [batch.game(i) for i in range(4)])
        )
    assert future[0] == future[1]
    assert future[0][2][0] == SMALL
    plain = make(autoreset=autoreset).snapshot()
    assert not {"games", "playing", "world_sizes"} & set(plain)
    env.restore(plain)
    assert [env.game(i) for i in range(4)] == [BASE] * 4


def test_fork_takes_the_game_along() -> None:
    env, play = make(), Play(1)
    env.set_game(2, SMALL)
    for _ in range(6):
        step(env, play)
    env.fork(2, 0)
    assert env.game(0) == SMALL
    assert env.state_hash(0) == env.state_hash(2)
    saved = env.save(2)
    env.load(3, saved)
    assert env.game(3) == SMALL
    for _ in range(4):
        env.send(0, np.tile(play(env.recv(0))[:2], 4))
        env.recv(0)
    assert env.state_hash(0) == env.state_hash(2) == env.state_hash(3)


def test_numbers_of_forgotten_games_are_used_again() -> None:
    """A curriculum may set thousands of games: only those in play or in pending records are kept."""
    env = make(2)
    for i in range(30):
        env.set_game(0, NOOP_PAYS.replace({"label": f"task {i}"}))
        for _ in range(4):
            step(env)
        assert {r.game for r in env.drain_episodes()} <= {BASE.label, f"task {i - 1}"}
    assert len(env.snapshot()["playing"]) == 2
    assert bytes(env.snapshot()["games"].tobytes()).count(b'"label"') <= 4


def test_other_spaces_are_refused_with_the_differences() -> None:
    env = make()
    with pytest.raises(ConfigError, match=r"num_agents is 3, expected 2") as error:
        env.set_game(0, make_arena(3).replace({"game.obs.num_tokens": 100}))
    assert "obs_shape is (100, 3), expected (200, 3)" in str(error.value)
    with pytest.raises(ConfigError, match=r"action_names is .*'attack_8'"):
        make(2).set_game(0, BASE.replace({"game.actions.attack.enabled": False}))
    with pytest.raises(EnvError, match="environment 4 does not exist"):
        env.set_game(4, SMALL)
    env.close()
    with pytest.raises(EnvError, match="was closed"):
        env.set_game(0, SMALL)


def test_damaged_games_are_refused() -> None:
    env = make()
    env.set_game(0, SMALL)
    state = env.snapshot()
    for broken, message in (
        ({"games": np.frombuffer(b"[{]", dtype=np.uint8)}, "cannot be read as games"),
        ({"playing": np.full((4, 2), 9)}, "plays game 9, expected 0 .. 1"),
        ({"playing": np.zeros((3, 2), dtype=np.int64)}, "expected int64\\[4, 2\\]"),
        ({"world_sizes": np.array([1, 1, 1, 10**9])}, "do not fit its worlds"),
    ):
        with pytest.raises(EnvError, match=message):
            env.restore({**state, **broken})
        step(env)
