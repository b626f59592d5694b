"""What stands between rollout and gradient: shaped rewards, drawn minibatches, the number of passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from tensordict import TensorDict
from torch import Tensor

from metta.rl.experience import Experience
from metta.rl.rewards import RewardShaping
from metta.rl.sampling import draw_minibatches
from metta.rl.trainer_config import TrainerConfig
from metta.rl.update_epochs import UpdateEpochs
from metta.rl.world import SOLO, World


class LearningRules:
    """The learning rules of one training with all their state. With the default settings they do nothing."""

    def __init__(
        self, config: TrainerConfig, num_rows: int, *, device: torch.device | str = "cpu", world: World = SOLO
    ) -> None:
        self.config = config
        self.rewards = RewardShaping(config.rewards, num_rows, config.gamma, device=device, reduce=world.sum)
        self.passes = UpdateEpochs(config, world.mean)

    def minibatches(self, experience: Experience, progress: float, generator: torch.Generator) -> Iterator[TensorDict]:
        """The minibatches of one pass."""
        return draw_minibatches(experience, self.config.sampling, progress, generator)

    def tensors(self) -> dict[str, Tensor]:
        """State of the rewards."""
        return self.rewards.state()

    def state_dict(self) -> dict[str, Any]:
        """The rest of the state, as plain JSON."""
        return {"passes": self.passes.state_dict()}

    def load_state(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any], *, rows: bool = True) -> None:
        """Go back to a saved state; one of an older version has no part of it. ``rows``: the agent rows go on, too."""
        self.rewards.load_state(tensors if rows else {name: tensors[name] for name in tensors if name != "returns"})
        if "passes" in state:
            self.passes.load_state_dict(state["passes"])
