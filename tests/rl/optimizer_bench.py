"""A policy and made-up gradients: enough to step an optimizer without a training around it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from metta.agent.policy import Policy, build_policy
from metta.agent.policy_config import MlpConfig
from metta.common.env_spec import EnvSpec
from metta.rl.optim import build_optimizer, training_weights
from metta.rl.optim_config import OptimizerConfig

SPEC = EnvSpec(
    name="made up", obs_kind="box", obs_shape=(3,), obs_dtype="float32", action_names=("a", "b"), num_agents=1
)


class OptimizerBench:
    """``step`` takes an update of one step with gradients drawn from a stream of their own."""

    def __init__(self, seed: int = 0, **settings: Any) -> None:
        self.policy: Policy = build_policy(MlpConfig(hidden_sizes=(5, 4)), SPEC, seed=seed)
        self.config = OptimizerConfig(**settings)
        self.optimizer = build_optimizer(self.config, self.policy)
        self.names = {weight: name for name, weight in self.policy.named_parameters()}
        self.noise = torch.Generator().manual_seed(7)

    def step(self, without: str = "nothing") -> dict[str, Tensor]:
        """The gradients, by parameter; components whose name begins with ``without`` get none."""
        gradients: dict[str, Tensor] = {}
        frozen = {weight for weight, name in self.names.items() if name.startswith(f"network.{without}")}
        with training_weights(self.optimizer, frozen):
            for weight, name in self.names.items():
                gradients[name] = torch.randn(weight.shape, generator=self.noise)
                weight.grad = None if weight in frozen else gradients[name].clone()
            self.optimizer.step()
        return gradients

    def weights(self) -> dict[str, Tensor]:
        """A copy of what the policy holds."""
        return {name: weight.detach().clone() for name, weight in self.policy.named_parameters()}
