"""NormalizationWrapper: outputs scaled to unit length, to zero mean and unit variance, or by running statistics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal, cast, get_args

import torch
from torch import Tensor
from torch.nn import functional

from metta.agent.module import NEXT_MEMORY_PREFIX, MettaModule, TensorMap
from metta.agent.wrappers.base import WrapperModule
from metta.common.errors import ConfigError, KeyContractError
from metta.common.suggest import did_you_mean

NormType = Literal["l2", "layer", "running"]


class NormalizationWrapper(WrapperModule):
    """Normalises outputs: all of them but memory, or those that ``keys`` names.

    ``l2``: each row (last dimension) gets length 1. ``layer``: each row gets mean 0 and variance 1. ``running``: each
    feature is shifted and scaled by the mean and variance of everything seen so far. Those are counted in learning
    passes (train mode, gradients on), after they were used; so acting never moves them, and the first minibatch after
    a rollout sees the policy that acted. ``momentum`` forgets: the newest batch weighs that much. They are part of
    ``wrapper_state`` and go into saved policies.

    Shapes: outputs ``[..., F]``; ``running`` also takes outputs without features ``[...]``.
    Source: running mean and variance: Chan, Golub, LeVeque 1983, eq. 2.1.

    >>> from metta.agent.components.linear import LinearModule
    >>> policy = NormalizationWrapper(LinearModule(3, 4, "features", "logits"), "l2")
    >>> policy({"features": torch.randn(5, 3)})["logits"].norm(dim=-1).round(decimals=3)
    tensor([1., 1., 1., 1., 1.], grad_fn=<RoundBackward1>)
    """

    kind: ClassVar[str] = "normalization"

    def __init__(
        self,
        inner: MettaModule,
        norm_type: NormType = "l2",
        component_name: str | None = None,
        *,
        keys: Iterable[str] | None = None,
        epsilon: float = 1e-5,
        momentum: float | None = None,
        active: bool = True,
    ) -> None:
        super().__init__(inner, component_name=component_name, active=active)
        if norm_type not in get_args(NormType):
            known = list(get_args(NormType))
            raise ConfigError(
                f"norm_type of {self.component_name} is {norm_type!r}; expected one of {known}."
                f"{did_you_mean(str(norm_type), known)}"
            )
        if momentum is not None and not 0 < momentum <= 1:
            raise ConfigError(f"momentum of {self.component_name} is {momentum}; expected a number above 0, at most 1.")
        written = [str(key) for key in inner.out_keys_source]
        self.norm_type: NormType = norm_type
        self.keys = [key for key in written if not key.startswith(NEXT_MEMORY_PREFIX)] if keys is None else list(keys)
        self.epsilon, self.momentum = epsilon, momentum
        self._statistics: dict[str, tuple[Tensor, Tensor, Tensor]] = {}
        if unknown := sorted(set(self.keys) - set(written)):
            raise KeyContractError(
                f"NormalizationWrapper has keys {unknown}, which {self.component_name} does not write; it writes "
                f"{written}."
            )
        flat = [key for key in self.keys if inner.output_shapes.get(key) == ()]
        if flat and norm_type != "running":
            raise ConfigError(
                f"norm_type={norm_type!r} normalises features, but {flat} of {self.component_name} has none (one "
                "number a row). Name other outputs in keys, or use norm_type='running'."
            )

    def _active_compute(self, td: TensorMap) -> dict[str, Tensor]:
        outputs = self.inner._compute(td)
        for key in self.keys:
            value = outputs[key]
            if self.norm_type == "l2":
                outputs[key] = functional.normalize(value, dim=-1, eps=self.epsilon)
            elif self.norm_type == "layer":
                outputs[key] = functional.layer_norm(value, value.shape[-1:], eps=self.epsilon)
            else:
                outputs[key] = self._by_statistics(key, value)
        return outputs

    def _by_statistics(self, key: str, value: Tensor) -> Tensor:
        scalar = self.inner.output_shapes.get(key) == ()
        shape = () if scalar else value.shape[-1:]
        if key not in self._statistics:
            zeros = torch.zeros(shape, dtype=torch.float32, device=value.device)
            self._statistics[key] = (zeros.new_zeros(()), zeros, torch.ones_like(zeros))
        count, mean, variance = (part.to(value.device) for part in self._statistics[key])
        normalized = (value - mean.to(value.dtype)) * (variance + self.epsilon).rsqrt().to(value.dtype)
        if self.training and torch.is_grad_enabled() and not self.frozen:
            rows = value.detach().float().reshape(-1, *shape)
            self._statistics[key] = _merged(count, mean, variance, rows, self.momentum)
        return normalized

    def wrapper_state(self) -> dict[str, Tensor]:
        names = ("count", "mean", "variance")
        return {
            f"{key}/{name}": part
            for key, parts in self._statistics.items()
            for name, part in zip(names, parts, strict=True)
        }

    def load_wrapper_state(self, state: Mapping[str, Tensor]) -> None:
        keys = dict.fromkeys(key.rsplit("/", 1)[0] for key in state)
        self._statistics = {
            key: cast(
                tuple[Tensor, Tensor, Tensor],
                tuple(state[f"{key}/{name}"].clone() for name in ("count", "mean", "variance")),
            )
            for key in keys
        }


def _merged(
    count: Tensor, mean: Tensor, variance: Tensor, rows: Tensor, momentum: float | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance of what was counted and of ``rows`` together."""
    total = count + rows.shape[0]
    batch_mean, batch_variance = rows.mean(0), rows.var(0, correction=0)
    share = rows.shape[0] / total
    if momentum is not None:
        share = torch.where(count > 0, momentum, share)
    delta = batch_mean - mean
    merged = variance * (1 - share) + batch_variance * share + delta.square() * share * (1 - share)
    return total, mean + delta * share, merged
