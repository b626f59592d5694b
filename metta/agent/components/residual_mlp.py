"""ResidualMLP: very deep stacks of linear layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from metta.agent.components.activation import activation_named, gain_of, orthogonal_init
from metta.agent.components.inference import complete, size_of
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError

_LAYERS_A_BLOCK = 4


class ResidualMLP(MettaModule):
    """A linear layer to ``width``, then ``depth / 4`` residual blocks of four (linear, layer norm, activation).

    Shapes: ``in_key [..., in_features] float32`` -> ``out_key [..., width] float32``.
    Source: arXiv:2503.14858 sec. 3 and fig. 2.

    Raises:
        ConfigError: ``depth`` is not a positive multiple of 4.
    """

    def __init__(
        self,
        in_features: int,
        width: int,
        depth: int = 4,
        in_key: str = "features",
        out_key: str = "hidden",
        *,
        activation: str = "silu",
    ) -> None:
        if depth < _LAYERS_A_BLOCK or depth % _LAYERS_A_BLOCK:
            raise ConfigError(f"ResidualMLP got depth={depth}; blocks have four layers, so give 4, 8, 12 ...")
        super().__init__([in_key], [out_key], input_shapes={in_key: (in_features,)}, output_shapes={out_key: (width,)})
        self.in_key, self.out_key = in_key, out_key
        gain = gain_of(activation)
        self.activate = activation_named(activation)
        self.stem = orthogonal_init(nn.Linear(in_features, width), gain)
        self.stem_norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(orthogonal_init(nn.Linear(width, width), gain) for _ in range(depth))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, in_features=size_of(shapes, in_keys))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        x = block_start = self.activate(self.stem_norm(self.stem(td[self.in_key])))
        for index, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True), start=1):
            x = self.activate(norm(layer(x)))
            if index % _LAYERS_A_BLOCK == 0:
                x = block_start = block_start + x
        return {self.out_key: x}
