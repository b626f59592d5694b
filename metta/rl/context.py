"""What the trainer shows to its hooks: counters, statistics and a read-only view of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from metta.common.run_dir import RunDir
from metta.common.stopwatch import Stopwatch
from metta.common.vector_env import EpisodeRecord, VectorEnv
from metta.rl.shared_state import SharedState
from metta.rl.trainer_config import TrainerConfig

if TYPE_CHECKING:
    from metta.agent.policy import Policy
    from metta.rl.experience import Experience
    from metta.rl.signals import StopFlag


@dataclass(slots=True)
class TrainerState:
    """Counters of a run. During the hooks of epoch n (counted from 1) ``epoch`` is n.

    Units: ``env_step`` = steps of single environments, ``agent_step`` = ``env_step`` x agents.
    """

    epoch: int = 0
    agent_step: int = 0
    env_step: int = 0


@dataclass(frozen=True, slots=True)
class RolloutStats:
    """What one rollout brought.

    ``episodes`` maps metric names (``overview/reward``, ``env_agent/heart.gained``) to their mean over the agents of
    all episodes that ended, partial ones left out; it is empty when none ended. ``records`` are those episodes.
    """

    episodes: Mapping[str, float]
    num_episodes: int
    agent_steps: int
    records: tuple[EpisodeRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class UpdateStats:
    """What one epoch brought.

    ``metrics`` holds only numbers that config and seed determine, episodes' included. ``seconds`` maps the parts of
    the epoch (``rollout``, ``rollout.env``, ``rollout.inference``, ``advantage``, ``update``) to their wall time.
    """

    metrics: Mapping[str, float]
    rollout: RolloutStats
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrainerContext:
    """Read-only view for hooks. What hooks tell each other goes through ``shared``, which is saved with the trainer's
    state. A long hook asks ``stop`` now and then and calls ``check_stop(ctx.stop)``.
    """

    state: TrainerState
    config: TrainerConfig
    policy: Policy
    optimizer: torch.optim.Optimizer
    env: VectorEnv
    experience: Experience
    run_dir: RunDir
    stopwatch: Stopwatch
    stop: StopFlag
    seed: int
    device: torch.device
    shared: SharedState = field(default_factory=SharedState)


class StopRequested(Exception):  # noqa: N818 - no error: the way out of a loop when a signal asked for it
    """A signal asked to stop; raised at a safe point and caught by the trainer, which saves and leaves."""


def check_stop(stop: StopFlag) -> None:
    """A safe point.

    Raises:
        StopRequested: a signal asked the run to stop.
    """
    if stop:
        raise StopRequested
