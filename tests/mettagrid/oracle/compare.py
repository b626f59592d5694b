"""The native engine and the slow reference game play the same game side by side."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from metta.common.env_spec import GLOBAL_LOCATION, EnvSpec
from metta.common.vector_env import StepBatch
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from tests.mettagrid.oracle.masks import mask
from tests.mettagrid.oracle.teams import social_metrics
from tests.mettagrid.oracle.view import observation, state
from tests.mettagrid.oracle.world import Oracle
from tests.mettagrid.philox import agent_order, words
from tests.mettagrid.strategies import Play

LAST_REWARD = 10


def play_both(
    config: MettaGridConfig, seed: int, play_seed: int, steps: int, every_mask: bool = False, same_step: bool = False
) -> int:
    """Play ``steps`` steps on both and compare everything after each; returns how many episodes began.

    ``every_mask``: of all agents, not of one in turn. ``same_step``: episodes begin in the step that ends the last one.
    """
    mode = "same_step" if same_step else "next_step"
    batch_config = VecEnvConfig(
        env=config, num_envs=1, num_threads=1, num_slots=1, desync_episodes=False, autoreset=mode
    )
    env, play, episode = make_vec_env(batch_config, seed), Play(play_seed), 0
    places = Places(config, seed)
    batch = env.recv(0)
    oracle = _start(config, places(0))
    _compare_outcome(batch, oracle)
    _compare_present(env, batch, oracle, every_mask)
    for _ in range(steps):
        over = oracle.truncated or oracle.terminated
        actions = play(batch)
        env.send(0, actions)
        batch = env.recv(0)
        if not over:
            step = oracle.step_count + 1
            order = agent_order(seed, 0, episode, step, len(actions))
            oracle.step(actions.tolist(), order, partial(words, seed, 0, episode, step))
            assert env.action_success.tolist() == oracle.success
            for record in env.drain_episodes():
                _compare_record(record.rewards.tolist(), record.agent_stats, oracle)
                for name, value in social_metrics(oracle).items():
                    assert record.game_stats[name] == pytest.approx(value, rel=1e-5, abs=1e-5), name
            _compare_outcome(batch, oracle)
            over = same_step and (oracle.truncated or oracle.terminated)
            if over:
                assert batch.final_observations is not None
                for index in range(len(actions)):
                    _compare_view(env.spec, batch.final_observations[index], observation(oracle, index, env.spec))
        if over:
            episode += 1
            oracle = _start(config, places(episode))
            if not same_step:
                _compare_outcome(batch, oracle)
        _compare_present(env, batch, oracle, every_mask)
    env.close()
    return episode


class Places:
    """Where the map of an episode puts everything, agents that wait to enter included."""

    def __init__(self, config: MettaGridConfig, seed: int) -> None:
        still = config.replace({"game.systems": {}, "game.max_steps": 1, "game.terminate_when": {}})
        batch = VecEnvConfig(env=still, num_envs=1, num_threads=1, num_slots=1, desync_episodes=False)
        self._env, self._episode = make_vec_env(batch, seed), 0
        self._env.recv(0)
        self._noops = np.zeros(config.game.num_agents, dtype=np.int32)

    def __call__(self, episode: int) -> list[Mapping[str, Any]]:
        for _ in range(2 * (episode - self._episode)):  # one step ends an episode, the next begins one
            self._env.send(0, self._noops)
            self._env.recv(0)
        self._episode = episode
        return list(self._env.grid_objects(0))


def _start(config: MettaGridConfig, places: list[Mapping[str, Any]]) -> Oracle:
    return Oracle(config.game, places, config.game.map.width, config.game.map.height)


def _compare_outcome(batch: StepBatch, oracle: Oracle) -> None:
    rewards = [agent.reward for agent in oracle.agents]
    np.testing.assert_allclose(batch.rewards, rewards, rtol=1e-5, atol=1e-6)
    assert (batch.truncated == oracle.truncated).all()
    absent = [agent.presence in ("waiting", "gone") for agent in oracle.agents]
    assert batch.terminated.tolist() == [oracle.terminated or is_absent for is_absent in absent]


def _compare_present(env: VecEnv, batch: StepBatch, oracle: Oracle, every_mask: bool) -> None:
    _compare_world(env, oracle)
    began = oracle.step_count == 0
    assert batch.first.tolist() == [began or agent.just_entered for agent in oracle.agents]
    assert batch.action_mask is not None
    for index in range(len(oracle.agents)):
        if every_mask or index == oracle.step_count % len(oracle.agents):
            wanted = dict(zip(oracle.names, mask(oracle, index), strict=True))
            assert dict(zip(oracle.names, batch.action_mask[index].tolist(), strict=True)) == wanted
        _compare_view(env.spec, batch.observations[index], observation(oracle, index, env.spec))
    if env.spec.state_shape:
        assert batch.state is not None
        _compare_planes(env.spec.state_channels, batch.state[0], state(oracle, env.spec))


def _compare_view(spec: EnvSpec, seen: NDArray[Any], expected: NDArray[np.uint8]) -> None:
    if spec.channels:
        return _compare_planes(spec.channels, seen, expected)
    is_reward = (expected[:, 0] == GLOBAL_LOCATION) & (expected[:, 1] == LAST_REWARD)
    # Halves may round either way: the engine sums rewards in its own order.
    assert (abs(seen.astype(int) - expected)[is_reward] <= (0, 0, 1)).all()
    return np.testing.assert_array_equal(seen[~is_reward], expected[~is_reward])


def _compare_planes(channels: tuple[str, ...], seen: NDArray[Any], expected: NDArray[np.uint8]) -> None:
    for name, plane, wanted in zip(channels, seen.astype(int), expected.astype(int), strict=True):
        np.testing.assert_allclose(plane, wanted, rtol=0, atol=name == "last_reward", err_msg=name)


def _compare_world(env: VecEnv, oracle: Oracle) -> None:
    cells: set[tuple[int, int]] = set()
    for item in env.grid_objects(0):
        cell, kind = (int(item["r"]), int(item["c"])), str(item["type"])
        assert cell not in cells, f"two objects on {cell}"
        cells.add(cell)
        if kind == "agent":
            agent = oracle.agents[int(item["agent_id"])]
            assert (cell, item["group_id"]) == (agent.cell, agent.group)
            for key in ("orientation", "frozen", "color", "glyph", "shield"):
                assert item[key] == getattr(agent, key), f"agent {agent.index}: {key}"
            assert item["inventory"] == {name: n for name, n in agent.inventory.items() if n}, agent.index
        elif cell in oracle.things:
            thing = oracle.things[cell]
            assert (kind, item.get("clipped", False)) == (thing.name, thing.clip == "clipped")
            assert item["inventory"] == {name: n for name, n in thing.inventory.items() if n}, kind
            assert {key: item[key] for key in thing.shown()} == thing.shown(), kind
        else:
            assert oracle.walls.get(cell) == kind
    occupied = {agent.cell for agent in oracle.agents if agent.cell}
    assert cells == occupied | oracle.things.keys() | oracle.walls.keys()


def _compare_record(rewards: list[float], stats: Mapping[str, NDArray[np.float64]], oracle: Oracle) -> None:
    np.testing.assert_allclose(rewards, [agent.total for agent in oracle.agents], rtol=1e-4, atol=1e-5)
    for name, values in stats.items():
        resource, _, kind = name.rpartition(".")
        expected = [agent.inventory[resource] if kind == "amount" else agent.stats[name] for agent in oracle.agents]
        assert values.tolist() == expected, name
