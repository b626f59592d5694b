"""The native ``VectorEnv``: Gymnasium's semantics for every way of auto-reset."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics
from numpy.typing import NDArray

from metta.common.errors import ConfigError, EnvError, ShapeContractError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.wrappers.gymnasium import MettaGridGymEnv
from metta.mettagrid.wrappers.gymnasium_vector import MettaGridVectorEnv


def noops(envs: MettaGridVectorEnv) -> NDArray[np.int32]:
    return np.zeros(envs.num_envs, dtype=np.int32)


def test_make_vec_takes_the_native_one() -> None:
    envs = gymnasium.make_vec("MettaGrid/Arena-v0", num_envs=4, num_threads=2, max_steps=9)
    assert isinstance(envs, MettaGridVectorEnv)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    observations, infos = envs.reset(seed=0)
    assert envs.observation_space.contains(observations)
    assert infos["action_mask"].shape == (4, 14)
    assert (observations[0] != observations[1]).any(), "every world has its own stream of the one seed"
    envs.action_space.seed(0)
    for _ in range(20):
        assert envs.observation_space.contains(envs.step(envs.action_space.sample())[0])
    _, rewards, terminated, truncated, _ = envs.step(noops(envs))
    assert rewards.shape == terminated.shape == truncated.shape == (4,)
    envs.close()
    envs.close()


def test_the_first_world_plays_as_the_single_environment() -> None:
    envs, env = MettaGridVectorEnv(num_envs=3), MettaGridGymEnv()
    envs.reset(seed=6)
    env.reset(seed=6)
    for actions in np.random.default_rng(0).integers(0, 14, (60, 3)):
        batch, single = envs.step(actions), env.step(actions[0])
        np.testing.assert_array_equal(batch[0][0], single[0])
        assert batch[1][0] == single[1]


def test_what_was_returned_never_changes_and_is_not_copied() -> None:
    envs = MettaGridVectorEnv("arena", num_envs=6, num_agents=3, max_steps=7)
    kept: list[tuple[NDArray[Any], NDArray[Any]]] = []
    observations, infos = envs.reset(seed=0)
    results: tuple[Any, ...] = (observations, infos["action_mask"])
    for actions in np.random.default_rng(0).integers(0, 14, (40, 6)):
        kept += [(array, array.copy()) for array in results]
        results = envs.step(actions)
        results = (*results[:4], results[4]["action_mask"])
        assert np.shares_memory(results[0], envs._vec.observations)
    kept += [(array, array.copy()) for array in results]
    envs.reset(options={"reset_mask": np.repeat([True, False], 3)})
    for array, copied in kept:
        np.testing.assert_array_equal(array, copied)


def test_next_step() -> None:
    envs = MettaGridVectorEnv("arena", num_envs=2, max_steps=3)
    envs.reset(seed=0)
    ends = [envs.step(noops(envs))[3].tolist() for _ in range(8)]
    assert [all(end) for end in ends] == [False, False, True, False, False, False, True, False]
    assert [record.length for record in envs.drain_episodes()] == [3] * 4


def test_same_step_shows_the_same_episodes_without_a_step_between() -> None:
    next_step = MettaGridVectorEnv("arena", num_envs=6, num_agents=3, max_steps=4)
    same_step = MettaGridVectorEnv(
        "arena", num_envs=6, num_agents=3, max_steps=4, autoreset_mode=AutoresetMode.SAME_STEP
    )
    np.testing.assert_array_equal(next_step.reset(seed=1)[0], same_step.reset(seed=1)[0])
    for actions in np.random.default_rng(0).integers(0, 14, (30, 6)):
        one, other = next_step.step(actions), same_step.step(actions)
        for i in (1, 2, 3):
            np.testing.assert_array_equal(one[i], other[i])
        if one[3].any():
            infos = other[4]
            np.testing.assert_array_equal(np.stack(infos["final_obs"]), one[0])
            assert infos["_final_obs"].all()
            one = next_step.step(actions)
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[4]["action_mask"], other[4]["action_mask"])


def test_disabled_waits_for_a_mask() -> None:
    envs = MettaGridVectorEnv("arena", num_envs=2, max_steps=2, autoreset_mode="Disabled")
    envs.reset(seed=0)
    envs.step(noops(envs))
    final, _, _, truncated, _ = envs.step(noops(envs))
    assert truncated.all()
    with pytest.raises(EnvError, match="world 0 has ended and autoreset_mode is DISABLED"):
        envs.step(noops(envs))
    observations, _ = envs.reset(options={"reset_mask": np.array([True, False])})
    np.testing.assert_array_equal(observations[1], final[1])
    assert (observations[0] != final[0]).any()
    with pytest.raises(EnvError, match="world 1 has ended"):
        envs.step(noops(envs))
    envs.reset(options={"reset_mask": np.array([False, True])})
    assert not envs.step(noops(envs))[3].any()


def test_gymnasiums_vector_wrappers() -> None:
    envs = RecordEpisodeStatistics(MettaGridVectorEnv("arena", num_envs=2, max_steps=3))
    envs.reset(seed=0)
    infos = [envs.step(np.zeros(2, dtype=np.int64))[4] for _ in range(3)]
    assert infos[2]["episode"]["l"].tolist() == [3, 3]
    listed = DictInfoToList(MettaGridVectorEnv("arena", num_envs=2))
    _, info = listed.reset(seed=0)
    assert [one["action_mask"].shape for one in info] == [(14,), (14,)]


def test_pairs_and_pictures() -> None:
    envs = MettaGridVectorEnv(make_arena(2), num_envs=4, action_space="multi", render_mode="rgb_array")
    envs.reset(seed=0)
    assert envs.action_space.shape == (4, 2)
    envs.step(np.array([[1, 0], [1, 8], [2, 3], [0, 0]]))
    assert envs._vec.action_success[1] == np.False_, "move has no ninth direction"
    assert envs.action_masks().shape == (4, 12)
    pictures = envs.render()
    assert pictures is not None
    assert pictures[0] is pictures[1]
    assert pictures[2].shape == pictures[0].shape
    assert (pictures[2] != pictures[0]).any()


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda envs: envs.step(noops(envs)), EnvError, r"came before reset\(\)"),
        (lambda envs: envs.reset(seed=[1, 2]), ConfigError, "seed is a list of 2"),
        (lambda envs: (envs.reset(), envs.step(np.zeros(4))), ShapeContractError, r"float64\[4\], expected integers"),
        (lambda envs: (envs.reset(), envs.step(np.full(4, 14))), EnvError, r"actions\[0\] = 14 is no action"),
        (lambda envs: envs.reset(options={"reset_mask": np.ones(4, dtype=np.bool_)}), EnvError, "first whole reset"),
        (
            lambda envs: (envs.reset(), envs.reset(options={"reset_mask": np.array([True, False, False, False])})),
            ShapeContractError,
            "the 2 sub-environments of a world start together",
        ),
        (lambda envs: envs.reset(options={"reset_mask": [True] * 4}), ShapeContractError, r"list, expected bool\[4\]"),
        (lambda envs: (envs.close(), envs.reset()), EnvError, "was closed"),
        (lambda envs: envs.reset(seed=1.5), ConfigError, "seed=1.5, expected .* a whole number"),
    ],
)
def test_mistakes_are_named(use: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        use(MettaGridVectorEnv(make_arena(2), num_envs=4))


def test_batches_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="num_envs=3 sub-environments are no whole worlds"):
        MettaGridVectorEnv(make_arena(2), num_envs=3)
    with pytest.raises(ConfigError, match="autoreset_mode='foo', expected 'next_step', 'same_step', 'disabled'"):
        MettaGridVectorEnv(autoreset_mode="foo")
    assert MettaGridVectorEnv(autoreset_mode="SameStep").autoreset_mode is AutoresetMode.SAME_STEP
    with pytest.raises(ConfigError, match="render_mode='human'"):
        MettaGridVectorEnv(render_mode="human")
