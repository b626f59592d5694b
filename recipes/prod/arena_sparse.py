"""Arena with reward for hearts only, each of which costs three batteries: hard to explore. Status: prod."""

from __future__ import annotations

from metta.mettagrid.builder.envs import make_arena_sparse
from metta.mettagrid.config.game import MettaGridConfig
from metta.sim.simulation_config import SimulationConfig
from metta.tools.evaluate import EvaluateTool
from metta.tools.play import PlayTool
from metta.tools.replay import ReplayTool
from metta.tools.train import TrainTool
from recipes.common.arena_tools import simulations_of, train_on


def mettagrid(num_agents: int = 24) -> MettaGridConfig:
    """The game that is trained: combat allowed, hearts are the only reward."""
    return make_arena_sparse(num_agents)


def simulations(num_agents: int = 24) -> tuple[SimulationConfig, ...]:
    """``arena_sparse/basic`` without affordable attacks, ``arena_sparse/combat`` as trained."""
    return simulations_of("arena_sparse", make_arena_sparse, num_agents)


def train(num_agents: int = 24) -> TrainTool:
    """Train on the sparse arena with combat: some 384 agents at a time, in as many environments as that takes."""
    return train_on(mettagrid(num_agents), simulations(num_agents))


def evaluate(num_agents: int = 24) -> EvaluateTool:
    """Score policies with and without combat."""
    return EvaluateTool(simulations=simulations(num_agents))


def play(num_agents: int = 24) -> PlayTool:
    """Steer an agent in the sparse arena with combat."""
    return PlayTool(simulation=simulations(num_agents)[1])


def replay(num_agents: int = 24) -> ReplayTool:
    """Record and show an episode of the sparse arena with combat."""
    return ReplayTool(simulation=simulations(num_agents)[1])
