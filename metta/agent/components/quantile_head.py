"""QuantileValueHead: a distribution of returns instead of their mean alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from metta.agent.components.activation import orthogonal_init
from metta.agent.components.inference import complete, size_of
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec


class QuantileValueHead(MettaModule):
    """Values at ``num_quantiles`` midpoints (i + 1/2) / N of the return's distribution, and their mean.

    Shapes: ``features [..., F] float32`` -> ``values [...] float32``, ``value_quantiles [..., num_quantiles] float32``.
    Source: QR-DQN, arXiv:1710.10044 eq. 8 and lemma 2.
    """

    def __init__(
        self,
        in_features: int,
        num_quantiles: int = 25,
        in_key: str = "features",
        out_key: str = "values",
        *,
        out_quantiles_key: str = "value_quantiles",
        gain: float = 1.0,
    ) -> None:
        super().__init__(
            [in_key],
            [out_key, out_quantiles_key],
            input_shapes={in_key: (in_features,)},
            output_shapes={out_key: (), out_quantiles_key: (num_quantiles,)},
        )
        self.in_key, self.out_key, self.out_quantiles_key = in_key, out_key, out_quantiles_key
        self.linear = orthogonal_init(nn.Linear(in_features, num_quantiles), gain)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, in_features=size_of(shapes, in_keys))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        quantiles = self.linear(td[self.in_key])
        return {self.out_key: quantiles.mean(-1), self.out_quantiles_key: quantiles}
