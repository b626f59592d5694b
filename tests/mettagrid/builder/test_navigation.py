"""The navigation game: what its maps hold, and that altars give hearts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.builder.navigation import make_navigation
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig


@pytest.mark.parametrize("num_agents", [1, 8, 24])
def test_maps_hold_agents_altars_and_obstacles(num_agents: int) -> None:
    config = make_navigation(num_agents)
    env = make_vec_env(VecEnvConfig(env=config, num_envs=4, num_threads=1, num_slots=1), seed=1)
    size = config.game.map.width
    for i in range(4):
        counts = Counter(str(item["type"]) for item in env.grid_objects(i))
        assert counts["agent"] == num_agents
        assert counts["altar"] == 2 * num_agents
        assert counts["wall"] >= size * size - (size - 10) ** 2
    env.close()


def test_an_altar_has_a_heart_every_hundred_steps() -> None:
    config = make_navigation(1).replace({"game.map": {"type": "ascii", "rows": ("_@",)}})
    env = MettaGridEnv(config, seed=0)
    west = np.array([config.game.actions.names().index("move_west")], dtype=np.int32)
    rewards = [float(env.step(west).rewards[0]) for _ in range(110)]
    hearts = [step for step, reward in enumerate(rewards) if reward > 0]
    assert [rewards[step] for step in hearts] == [1.0, 1.0]
    assert hearts[0] <= 2
    assert 100 <= hearts[1] - hearts[0] <= 102
    env.close()


def test_impossible_numbers_of_agents_are_refused() -> None:
    with pytest.raises(ConfigError, match="num_agents=0: expected 1 to"):
        make_navigation(0)
