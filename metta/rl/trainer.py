"""The epoch loop: rollout, advantages, update, hooks, commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from metta.checkpoint.trainer_state import TrainerSnapshot, TrainerStateStore
from metta.common.run_dir import RunDir
from metta.common.vector_env import VectorEnv
from metta.rl.context import TrainerContext, TrainerState
from metta.rl.signals import StopFlag
from metta.rl.trainer_config import TrainerConfig

if TYPE_CHECKING:
    from metta.agent.policy import Policy
    from metta.rl.hooks.base import TrainerHook


class Trainer:
    """Signatures first; the body follows in the next commit."""

    state: TrainerState
    context: TrainerContext

    def __init__(
        self,
        config: TrainerConfig,
        env: VectorEnv,
        policy: Policy,
        run_dir: RunDir,
        hooks: Sequence[TrainerHook] = (),
        *,
        device: torch.device | str = "cpu",
        seed: int = 0,
        state_store: TrainerStateStore | None = None,
        commit_interval: int = 1,
        stop: StopFlag | None = None,
        rank: int = 0,
    ) -> None:
        raise NotImplementedError

    @property
    def finished(self) -> bool:
        """True when ``total_timesteps`` are done: ``train`` would run no epoch."""
        raise NotImplementedError

    def train(self) -> None:
        """Run epochs until ``config.total_timesteps``; raises what a hook raised, after every hook's ``on_failure``."""
        raise NotImplementedError

    def state_dict(self) -> TrainerSnapshot:
        """Copy of everything that the next epoch depends on; ``hook.state_dict()`` of each hook included."""
        raise NotImplementedError

    def load_state(self, snapshot: TrainerSnapshot) -> None:
        """Go on from ``snapshot``; calls ``hook.load_state_dict(state)`` of each hook."""
        raise NotImplementedError
