from __future__ import annotations

from metta.mettagrid.builder.envs import make_arena
from metta.sim.evaluator_config import EvaluatorConfig
from metta.sim.simulation_config import SimulationConfig


def test_without_simulations_or_interval_nothing_is_evaluated() -> None:
    simulation = SimulationConfig(suite="arena", name="basic", env=make_arena(2))
    assert not EvaluatorConfig().is_on
    assert not EvaluatorConfig(simulations=(simulation,), epoch_interval=0).is_on
    assert EvaluatorConfig(simulations=(simulation,)).is_on


def test_num_episodes_overrides_those_of_the_simulations() -> None:
    simulation = SimulationConfig(suite="arena", name="basic", env=make_arena(2), num_episodes=7)
    assert EvaluatorConfig(simulations=(simulation,)).planned()[0].num_episodes == 7
    assert EvaluatorConfig(simulations=(simulation,), num_episodes=3).planned()[0].num_episodes == 3
