"""The teachers play the recipes' games, well."""

from __future__ import annotations

import numpy as np
import pytest

from metta.agent.policies.mock import build_mock_policy
from metta.mettagrid.builder.envs import make_arena, make_arena_sparse
from metta.mettagrid.builder.navigation import make_navigation
from metta.mettagrid.config.game import MettaGridConfig
from metta.sim.simulation import run_simulation
from metta.sim.simulation_config import SimulationConfig


@pytest.mark.parametrize(
    ("name", "game", "steps", "least"),
    [
        # What all mines, or all altars, of a game can give in that time is an agent's upper bound.
        ("arena_teacher", make_arena(6), 300, 3.5),  # of 9.5
        ("arena_teacher", make_arena_sparse(6), 300, 0.8),  # of 3.2
        ("navigation_teacher", make_navigation(4), 300, 5.5),  # of 6
    ],
)
def test_hearts_per_agent(name: str, game: MettaGridConfig, steps: int, least: float) -> None:
    simulation = SimulationConfig(
        suite="teachers", name=name, env=game.replace({"game.max_steps": steps}), num_episodes=4
    )
    episodes = run_simulation(simulation, lambda spec: build_mock_policy(name, spec), seed=1)
    assert np.mean([episode.agent_stats["heart.gained"] for episode in episodes]) >= least
