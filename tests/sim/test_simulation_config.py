"""SimulationConfig: its key, its batch, what it refuses."""

from __future__ import annotations

import subprocess
import sys

import pytest

from metta.common.errors import ConfigError
from metta.envs.gym_env_config import GymEnvConfig
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.sim.simulation_config import MAX_BATCH, SimulationConfig


def arena(**values: object) -> SimulationConfig:
    return SimulationConfig.model_validate({"suite": "arena", "name": "basic", "env": make_arena(6), **values})


@pytest.mark.parametrize("episodes", [1, 2, 100, MAX_BATCH, MAX_BATCH + 1, 1000])
def test_every_environment_plays_nearly_the_same_number_of_episodes(episodes: int) -> None:
    simulation = arena(num_episodes=episodes)
    assert simulation.batch_size <= MAX_BATCH
    rounds = -(-episodes // simulation.batch_size)
    assert rounds * simulation.batch_size - episodes < simulation.batch_size  # nobody plays two fewer
    assert (simulation.batch_size == episodes) == (episodes <= MAX_BATCH)


def test_the_environment_decides_the_kind_of_batch() -> None:
    batch = arena(num_episodes=7).env_config()
    assert isinstance(batch, VecEnvConfig)
    assert (batch.num_envs, batch.desync_episodes) == (7, False)
    gym = SimulationConfig(suite="gym", name="CartPole-v1", env=GymEnvConfig(env_id="CartPole-v1"), num_episodes=3)
    assert gym.env_config().num_envs == 3
    assert gym.num_agents == 1


def test_json_round_trip_keeps_both_kinds() -> None:
    for simulation in (arena(), arena(env=GymEnvConfig(env_id="Acrobot-v1"))):
        assert SimulationConfig.model_validate_json(simulation.model_dump_json()) == simulation


def test_a_game_without_end_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"arena/basic.*max_steps=0"):
        arena(env=make_arena(6).replace({"game.max_steps": 0}))


def test_names_that_would_break_the_key_are_refused() -> None:
    with pytest.raises(ConfigError, match="suite"):
        arena(suite="a/b")


def test_a_fault_in_the_game_is_told_by_its_key() -> None:
    with pytest.raises(ConfigError, match="num_agentz"):
        arena().replace({"env.game.num_agentz": 3})


def test_the_digest_names_the_episodes_and_nothing_else() -> None:
    assert arena().digest() == arena(num_threads=2, max_time_s=5.0).digest()
    assert arena().digest() != arena(num_episodes=11).digest()
    assert arena().digest() != arena(env=make_arena(7)).digest()


def test_it_is_cheap_to_import() -> None:
    code = "import sys, metta.sim.simulation_config, metta.tools.evaluate, metta.tools.replay, metta.tools.play\n"
    code += "assert not {'torch', 'numpy', 'duckdb', 'rich'} & set(sys.modules), sorted(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
