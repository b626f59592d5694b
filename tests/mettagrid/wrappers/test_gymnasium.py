"""One agent for Gymnasium and Stable-Baselines3; their own checkers, unmodified."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import FlattenObservation
from numpy.typing import NDArray
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from metta.common.errors import ConfigError, EnvError, ShapeContractError
from metta.mettagrid.action_table import ActionTable
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.wrappers.gymnasium import IDS, MettaGridGymEnv

Env = gymnasium.Env[NDArray[np.uint8], Any]


@pytest.mark.parametrize("kind", ["flat", "multi"])
@pytest.mark.parametrize("env_id", IDS)
def test_gymnasiums_checker(env_id: str, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    check_env(gymnasium.make(env_id, action_space=kind, render_mode="rgb_array").unwrapped)
    assert "step 0" in capsys.readouterr().out, "the checker also drew with render_mode='human'"


@pytest.mark.parametrize("kind", ["flat", "multi"])
def test_stable_baselines_checker(kind: str) -> None:
    """Token observations are neither an image nor a vector, which is SB3's only remark; flattened it has none."""
    env = gymnasium.make("MettaGrid/Arena-v0", action_space=kind)
    with pytest.warns(UserWarning, match="unconventional shape") as remarks:
        sb3_check_env(env, warn=True)
    assert len(remarks) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sb3_check_env(FlattenObservation(env), warn=True)


def test_ids_need_one_import() -> None:
    """Gymnasium 1.x has no entry points for environments any more; the module form imports on its own."""
    code = "import gymnasium; e = gymnasium.make('metta.mettagrid.wrappers.gymnasium:MettaGrid/Arena-v0'); "
    code += "import sys; assert 'torch' not in sys.modules; assert e.reset(seed=1)[0].shape == (200, 3)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_gymnasiums_own_vectorisers(mode: str) -> None:
    envs = gymnasium.make_vec("MettaGrid/Arena-v0", 2, vectorization_mode=mode)
    envs.reset(seed=3)
    rng = np.random.default_rng(0)
    observations, rewards, _, _, infos = [envs.step(rng.integers(0, 14, 2)) for _ in range(5)][-1]
    assert observations.shape == (2, 200, 3)
    assert rewards.shape == (2,)
    assert infos["action_mask"].shape == (2, 14)
    envs.close()


def test_what_was_returned_never_changes() -> None:
    env = MettaGridGymEnv()
    kept: list[tuple[NDArray[Any], NDArray[Any]]] = []
    observation, info = env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(50):
        for array in (observation, info["action_mask"], env.action_masks()):
            kept.append((array, array.copy()))
        observation, _, _, _, info = env.step(int(rng.integers(14)))
    for array, copied in kept:
        np.testing.assert_array_equal(array, copied)
    observation[:] = 7
    assert (env.step(0)[0] != 7).any()


def test_an_episode_ends_by_truncation_with_its_statistics() -> None:
    env = MettaGridGymEnv("arena", max_steps=3)
    for _ in range(2):
        env.reset(seed=1)
        results = [env.step(0) for _ in range(3)]
        assert [result[2:4] for result in results] == [(False, False), (False, False), (False, True)]
        assert results[2][4]["stats"]["length"] == 3
        assert "stats" not in results[1][4]
        with pytest.raises(EnvError, match="after the episode's end"):
            env.step(0)


def test_seeds_repeat_and_unseeded_resets_go_on() -> None:
    one, other = MettaGridGymEnv(), MettaGridGymEnv()
    for _ in range(2):
        np.testing.assert_array_equal(one.reset(seed=9)[0], other.reset(seed=9)[0])
        second = one.reset()[0]
        np.testing.assert_array_equal(second, other.reset()[0])
        assert (second != one.reset(seed=9)[0]).any()


def test_masks_say_what_fails() -> None:
    env = MettaGridGymEnv(max_steps=200)
    _, info = env.reset(seed=2)
    rng = np.random.default_rng(0)
    for _ in range(150):
        action = int(rng.integers(14))
        allowed = bool(info["action_mask"][action])
        assert env.action_masks()[action] == allowed
        info = env.step(action)[4]
        assert env._session.env.action_success[0] == allowed


def test_pairs_mean_the_same_actions() -> None:
    flat, multi = MettaGridGymEnv(), MettaGridGymEnv(action_space="multi")
    table = ActionTable.from_game(make_arena(1).game)
    flat.reset(seed=0)
    multi.reset(seed=0)
    for action in np.random.default_rng(0).integers(0, 14, 40):
        one, other = flat.step(action), multi.step(table.to_pairs(action))
        np.testing.assert_array_equal(one[0], other[0])
        assert one[1] == other[1]


def test_a_copied_or_sent_environment_goes_on_from_where_it_was() -> None:
    env = MettaGridGymEnv()
    env.reset(seed=0)
    env.step(2)
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]  # noqa: S301 - our own bytes
    for action in (1, 3, 4):
        observation = env.step(action)[0]
        for twin in copies:
            np.testing.assert_array_equal(twin.step(action)[0], observation)


def test_pictures() -> None:
    env = MettaGridGymEnv("empty", render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().shape == (13 * 24, 13 * 24, 3)
    text = MettaGridGymEnv("empty", render_mode="ansi")
    text.reset(seed=0)
    assert text.render().count("\n") == 12


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda env: env.step(0), EnvError, r"arena: step\(\) came before reset\(\)"),
        (lambda env: (env.reset(), env.step(14)), EnvError, "action = 14 is no action of this game, expected 0 .. 13"),
        (lambda env: (env.reset(), env.step(1.0)), ShapeContractError, "expected one integer|float with no shape"),
        (
            lambda env: (env.reset(), env.step(np.array([1, 2]))),
            ShapeContractError,
            r"int64\[2\], expected one integer",
        ),
        (lambda env: (env.close(), env.close(), env.reset()), EnvError, "arena: the environment was closed"),
        (lambda env: (env.close(), env.step(0)), EnvError, "was closed"),
        (lambda env: env.reset(seed=2**64), ConfigError, "seed"),
    ],
)
def test_mistakes_are_named(use: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        use(MettaGridGymEnv())


def test_games_and_modes_that_do_not_fit() -> None:
    with pytest.raises(ConfigError, match="has 4 agents, a Gymnasium environment has one"):
        MettaGridGymEnv(make_arena(4))
    with pytest.raises(ConfigError, match="render_mode='gui'"):
        MettaGridGymEnv(render_mode="gui")  # pyright: ignore[reportArgumentType] - the mistake
