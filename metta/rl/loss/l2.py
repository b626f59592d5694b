"""A pull on the policy's weights: to zero, or back to where they began."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean
from metta.rl.loss.base import Loss, LossOutput, LossSetting
from metta.rl.loss.l2_config import L2Config


class L2Loss(Loss[L2Config]):
    """Half the sum of squares of ``w - w0`` over the weights; w0 is 0, or the weights when the training began.

    Unlike the optimizer's ``weight_decay`` it goes through the gradient, its clipping and Adam's scaling, and can be
    scheduled. The first weights are buffers: they come back with the trainer's state. Frozen components do not move.

    Metrics: ``distance`` (root of the sum). Source: arXiv:2308.11958 eq. 1, regeneration towards initial weights; zero:
    its plain form.
    """

    def __init__(self, cfg: L2Config, setting: LossSetting) -> None:
        super().__init__(cfg, setting)
        groups = setting.policy.component_parameters()
        for name in cfg.components:
            if name not in groups:
                raise ConfigError(
                    f"trainer.losses.{setting.name}.components has {name!r}, which is no component with weights; there "
                    f"are {[*groups]}.{did_you_mean(name, groups)}"
                )
        chosen = [groups[name] for name in cfg.components or groups]
        weights = [weight for group in chosen for weight in group if cfg.biases or weight.dim() > 1]
        self._weights: tuple[nn.Parameter, ...] = tuple(weights)  # the policy's, not this loss's: kept out of sight
        if cfg.towards == "initial":
            for index, weight in enumerate(weights):
                self.register_buffer(f"initial_{index}", weight.detach().clone())

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        if self.cfg.towards == "initial":
            starts = [self.get_buffer(f"initial_{index}") for index in range(len(self._weights))]
            squares = [(weight - start).square().sum() for weight, start in zip(self._weights, starts, strict=True)]
        else:
            squares = [weight.square().sum() for weight in self._weights]
        total = torch.stack(squares).sum()
        return LossOutput(0.5 * total, {"distance": total.detach().sqrt()})
