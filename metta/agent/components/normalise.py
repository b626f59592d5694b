"""Normalise: fixed, per layer, or by running statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from metta.agent.components.inference import complete, shape_of
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError

Kind = Literal["fixed", "layer", "running"]
_Number = float | Sequence[float]


class Normalise(MettaModule):
    """``(x - mean) / std``, with mean and std by ``kind``.

    - ``"fixed"``: ``mean`` and ``std`` as given, a number or one per entry of the last dimension (or, with three
      dimensions, per channel).
    - ``"layer"``: those of each input over its whole shape, then a learned scale and shift (arXiv:1607.06450).
    - ``"running"``: those of all inputs seen while learning (in training mode with gradients on: acting changes
      nothing), updated after use by the parallel formula of Chan et al. 1979. They are part of checkpoints.

    Results of ``"running"`` are cut to +-``clip``. Bytes are taken as numbers.

    Shapes: ``in_key [..., *shape]`` -> ``out_key [..., *shape] float32``.
    """

    mean: Tensor
    std: Tensor
    count: Tensor

    def __init__(
        self,
        shape: int | Sequence[int],
        in_key: str = "input",
        out_key: str = "normalised",
        *,
        kind: Kind = "layer",
        mean: _Number = 0.0,
        std: _Number = 1.0,
        epsilon: float = 1e-5,
        clip: float = 10.0,
    ) -> None:
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        if kind not in ("fixed", "layer", "running"):
            raise ConfigError(f"Normalise got kind={kind!r}; it knows 'fixed', 'layer' and 'running'.")
        super().__init__([in_key], [out_key], input_shapes={in_key: shape}, output_shapes={out_key: shape})
        self.in_key, self.out_key, self.shape = in_key, out_key, shape
        self.kind, self.epsilon, self.clip = kind, epsilon, clip
        self.norm = nn.LayerNorm(list(shape), eps=epsilon) if kind == "layer" else None
        if kind == "fixed":
            self.register_buffer("mean", _numbers(mean, shape, "mean"), persistent=False)
            self.register_buffer("std", _numbers(std, shape, "std"), persistent=False)
            if any(value <= 0 for value in ([std] if isinstance(std, int | float) else std)):
                raise ConfigError(f"Normalise got std={std}; it divides by it, so every number must be above 0.")
        elif kind == "running":
            self.register_buffer("mean", torch.zeros(shape))
            self.register_buffer("variance", torch.ones(shape))
            self.register_buffer("count", torch.zeros((), dtype=torch.float64))

    variance: Tensor

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, shape=shape_of(shapes, in_keys))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        x = td[self.in_key]
        if not x.is_floating_point():
            x = x.float()
        if self.norm is not None:
            return {self.out_key: self.norm(x)}
        if self.kind == "fixed":
            return {self.out_key: (x - self.mean) / self.std}
        out = ((x - self.mean) / (self.variance + self.epsilon).sqrt()).clamp(-self.clip, self.clip)
        if self.training and torch.is_grad_enabled():
            self._update(x.detach())
        return {self.out_key: out}

    @torch.no_grad()
    def _update(self, x: Tensor) -> None:
        rows = x.reshape(-1, *self.shape)
        added = rows.shape[0]
        total = self.count + added
        # New tensors, not writes in place: the graph of this very pass still needs the old values.
        delta = rows.mean(0) - self.mean
        share = (added / total).to(x.dtype)
        spread = self.variance * (1 - share) * (self.count > 0)  # the ones at the start were no observations
        self.variance = spread + rows.var(0, correction=0) * share + delta.square() * share * (1 - share)
        self.mean = self.mean + delta * share
        self.count = total


def _numbers(value: _Number, shape: tuple[int, ...], name: str) -> Tensor:
    """A number, or one per channel of ``[C, H, W]``, or one per entry of the last dimension."""
    numbers = torch.as_tensor(value, dtype=torch.float32)
    if numbers.ndim == 0:
        return numbers
    wanted = shape[0] if len(shape) == 3 else shape[-1] if shape else 1
    if numbers.shape != (wanted,):
        raise ConfigError(
            f"Normalise got {tuple(numbers.shape)} numbers as {name} for inputs of {shape}; give {wanted}."
        )
    return numbers[:, None, None] if len(shape) == 3 else numbers
