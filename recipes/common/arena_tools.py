"""What the recipes of the arena's variants share: their simulations and their training."""

from __future__ import annotations

from typing import Protocol

from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.sim.evaluator_config import EvaluatorConfig
from metta.sim.simulation_config import SimulationConfig
from metta.tools.train import TrainTool


class MakeGame(Protocol):
    """Builds a variant of the arena, such as ``make_arena``."""

    def __call__(self, num_agents: int, combat: bool = True) -> MettaGridConfig: ...


def simulations_of(suite: str, make_game: MakeGame, num_agents: int) -> tuple[SimulationConfig, ...]:
    """``<suite>/basic`` without affordable attacks, ``<suite>/combat`` as trained."""
    games = {"basic": make_game(num_agents, combat=False), "combat": make_game(num_agents)}
    return tuple(SimulationConfig(suite=suite, name=name, env=game) for name, game in games.items())


def train_on(game: MettaGridConfig, simulations: tuple[SimulationConfig, ...]) -> TrainTool:
    """Train on ``game``; the sizes follow the machine and the length of the training (docs/training.md)."""
    return TrainTool(training_env=VecEnvConfig(env=game), evaluator=EvaluatorConfig(simulations=simulations))
