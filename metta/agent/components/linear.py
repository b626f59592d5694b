"""Linear layers and stacks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from metta.agent.components.activation import activation_named, gain_of, initialised, orthogonal_init
from metta.agent.components.dense import dense
from metta.agent.components.inference import complete, shape_of, size_of
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec


class LinearModule(MettaModule):
    """One linear layer and an activation.

    Shapes: ``in_key [..., in_features] float32`` -> ``out_key [..., out_features] float32``.

    >>> import torch
    >>> layer = LinearModule(10, 16, activation="relu")
    >>> layer({"input": torch.randn(4, 10)})["output"].shape
    torch.Size([4, 16])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        in_key: str = "input",
        out_key: str = "output",
        *,
        activation: str | None = None,
        bias: bool = True,
        gain: float | None = None,
        init: str = "orthogonal",
    ) -> None:
        super().__init__(
            [in_key], [out_key], input_shapes={in_key: (in_features,)}, output_shapes={out_key: (out_features,)}
        )
        self.in_key, self.out_key = in_key, out_key
        self.activate = activation_named(activation)
        layer = nn.Linear(in_features, out_features, bias=bias)
        self.linear = initialised(layer, init, gain_of(activation) if gain is None else gain)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, in_features=size_of(shapes, in_keys))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {self.out_key: dense(self.linear, td[self.in_key], self.activate)}


class MLP(MettaModule):
    """Linear layers, each followed by the activation.

    Shapes: ``in_key [..., in_features]`` -> ``out_key [..., hidden_sizes[-1]] float32``. Bytes are divided by 255,
    other numbers are taken as they are; ``in_shape`` of more than one dimension is flattened.
    """

    def __init__(
        self,
        in_shape: int | tuple[int, ...],
        hidden_sizes: Sequence[int],
        in_key: str = "features",
        out_key: str = "hidden",
        *,
        activation: str = "relu",
    ) -> None:
        shape = (in_shape,) if isinstance(in_shape, int) else tuple(in_shape)
        in_features = 1
        for size in shape:
            in_features *= size
        sizes = [in_features, *hidden_sizes]
        super().__init__([in_key], [out_key], input_shapes={in_key: shape}, output_shapes={out_key: (sizes[-1],)})
        self.in_key, self.out_key, self.in_dims = in_key, out_key, len(shape)
        self.activate = activation_named(activation)
        self.layers = nn.ModuleList(
            orthogonal_init(nn.Linear(before, after), gain_of(activation)) for before, after in pairwise(sizes)
        )

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, in_shape=shape_of(shapes, in_keys))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        x = td[self.in_key]
        if not x.is_floating_point():
            x = x.float() / 255
        if self.in_dims != 1:
            x = x.flatten(-self.in_dims) if self.in_dims > 1 else x.unsqueeze(-1)
        for layer in self.layers:
            x = dense(layer, x, self.activate)  # pyright: ignore[reportArgumentType] - a ModuleList forgets types
        return {self.out_key: x}
