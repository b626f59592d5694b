"""Navigation: several agents find their way around obstacles to altars that give hearts. Status: prod."""

from __future__ import annotations

from metta.mettagrid.builder.navigation import make_navigation
from metta.mettagrid.config.game import MettaGridConfig
from metta.sim.simulation_config import SimulationConfig
from metta.tools.evaluate import EvaluateTool
from metta.tools.play import PlayTool
from metta.tools.replay import ReplayTool
from metta.tools.train import TrainTool
from recipes.common.arena_tools import train_on


def mettagrid(num_agents: int = 8) -> MettaGridConfig:
    """The game that is trained: another map in each episode."""
    return make_navigation(num_agents)


def simulations(num_agents: int = 8) -> tuple[SimulationConfig, ...]:
    """``navigation/team`` as trained, ``navigation/alone`` with one agent on a small map."""
    games = {"team": make_navigation(num_agents), "alone": make_navigation(1)}
    return tuple(SimulationConfig(suite="navigation", name=name, env=game) for name, game in games.items())


def train(num_agents: int = 8) -> TrainTool:
    """Train some 384 agents at a time, in as many environments as that takes."""
    return train_on(mettagrid(num_agents), simulations(num_agents))


def evaluate(num_agents: int = 8) -> EvaluateTool:
    """Score policies as a team and alone."""
    return EvaluateTool(simulations=simulations(num_agents))


def play(num_agents: int = 8) -> PlayTool:
    """Steer an agent among the others."""
    return PlayTool(simulation=simulations(num_agents)[0])


def replay(num_agents: int = 8) -> ReplayTool:
    """Record and show an episode of the team."""
    return ReplayTool(simulation=simulations(num_agents)[0])
