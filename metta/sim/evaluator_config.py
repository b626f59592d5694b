"""When and how a training run evaluates its own policy. Knows no torch."""

from __future__ import annotations

from pydantic import Field

from metta.common.config import Config
from metta.sim.simulation_config import SimulationConfig


class EvaluatorConfig(Config):
    """Simulations played with the policy just saved; their scores go to the metrics and decide ``keep_best``."""

    epoch_interval: int = Field(default=100, ge=0, description="epochs between two evaluations; 0 = never")
    background: bool = Field(
        default=False,
        description="evaluate in another process; training goes on, scores take effect result_after later",
    )
    result_after: int = Field(
        default=10, ge=1, description="with background: epochs until the scores take effect, at most epoch_interval"
    )
    num_episodes: int | None = Field(default=None, ge=1, description="episodes a simulation, instead of its own number")
    seed: int = Field(default=0, ge=0, lt=2**63, description="worlds and sampling of every evaluation")
    sampled: bool = Field(default=True, description="sample actions; false: take the likeliest")
    simulations: tuple[SimulationConfig, ...] = Field(default=(), description="what is played; empty = no evaluation")

    @property
    def is_on(self) -> bool:
        return self.epoch_interval > 0 and bool(self.simulations)

    def planned(self) -> tuple[SimulationConfig, ...]:
        """The simulations, with ``num_episodes`` where it is set."""
        if self.num_episodes is None:
            return self.simulations
        return tuple(simulation.replace({"num_episodes": self.num_episodes}) for simulation in self.simulations)
