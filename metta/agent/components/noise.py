"""NoiseLayer: Gaussian noise while learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from metta.agent.components.inference import complete, shape_of
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError


class NoiseLayer(MettaModule):
    """Adds Gaussian noise of standard deviation ``std`` in training mode, nothing in evaluation mode.

    ``learning_only`` (the default) leaves passes without gradients alone: actions are then chosen without noise, which
    regularises learning; False adds it there too, which explores. Draws come from torch's global generator.

    Shapes: ``in_key [..., *shape] float32`` -> ``out_key``, the same.
    Source: noise as a regulariser: Bishop 1995, Training with noise is equivalent to Tikhonov regularization.
    """

    def __init__(
        self,
        std: float,
        in_key: str = "features",
        out_key: str = "noisy",
        *,
        learning_only: bool = True,
        shape: Shape | None = None,
    ) -> None:
        if std < 0:
            raise ConfigError(f"NoiseLayer got std={std}; a standard deviation is at least 0.")
        shapes = None if shape is None else tuple(shape)
        super().__init__(
            [in_key],
            [out_key],
            input_shapes=None if shapes is None else {in_key: shapes},
            output_shapes=None if shapes is None else {out_key: shapes},
        )
        self.in_key, self.out_key, self.std, self.learning_only = in_key, out_key, std, learning_only

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, shape=shape_of(shapes, in_keys))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        x = td[self.in_key]
        if self.training and self.std > 0 and (torch.is_grad_enabled() or not self.learning_only):
            x = x + torch.randn_like(x) * self.std
        return {self.out_key: x}
