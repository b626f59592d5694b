"""CNNEncoder: two convolutions and a linear layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from metta.agent.components.activation import activation_named, gain_of, orthogonal_init
from metta.agent.components.inference import complete, shape_of
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ConvSize:
    """Channels out, square kernel, stride."""

    channels: int
    kernel: int
    stride: int


class CNNEncoder(MettaModule):
    """Convolutions without padding, then one linear layer; the activation follows each.

    Shapes: ``box [..., C, H, W] float32`` -> ``features [..., out_features] float32``.
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        convs: tuple[ConvSize, ...],
        out_features: int,
        in_key: str = "box",
        out_key: str = "features",
        *,
        activation: str = "relu",
    ) -> None:
        super().__init__([in_key], [out_key], input_shapes={in_key: in_shape}, output_shapes={out_key: (out_features,)})
        self.in_key, self.out_key = in_key, out_key
        self.activate = activation_named(activation)
        gain = gain_of(activation)
        self.convs, size = make_convs(in_shape, convs, gain)
        self.linear = orthogonal_init(nn.Linear(size, out_features), gain)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        convs = {"convs": tuple(map(conv_size, config["convs"]))} if "convs" in config else {}
        return complete({**config, **convs}, in_shape=shape_of(shapes, in_keys))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        box: Tensor = td[self.in_key]
        x = box.flatten(0, -4)
        for conv in self.convs:
            x = self.activate(conv(x))
        x = self.activate(self.linear(torch.flatten(x, 1)))
        return {self.out_key: x.view(*box.shape[:-3], -1)}


def make_convs(in_shape: tuple[int, int, int], convs: Sequence[ConvSize], gain: float) -> tuple[nn.ModuleList, int]:
    """Convolutions without padding, one after the other, and how many numbers the last one gives.

    Raises:
        ConfigError: a kernel is larger than what it goes over.
    """
    channels, height, width = in_shape
    made = nn.ModuleList()
    for index, conv in enumerate(convs, start=1):
        if min(height, width) < conv.kernel:
            raise ConfigError(
                f"convolution {index} has a {conv.kernel} x {conv.kernel} kernel, but its input is only {height} x "
                f"{width}. Set a smaller policy_architecture.conv{index}_kernel or smaller strides before it."
            )
        made.append(orthogonal_init(nn.Conv2d(channels, conv.channels, conv.kernel, conv.stride), gain))
        channels = conv.channels
        height, width = ((size - conv.kernel) // conv.stride + 1 for size in (height, width))
    return made, channels * height * width


def conv_size(size: ConvSize | Mapping[str, int] | Sequence[int]) -> ConvSize:
    """As YAML writes it: ``{channels: 64, kernel: 5, stride: 3}`` or ``[64, 5, 3]``."""
    if isinstance(size, ConvSize):
        return size
    return ConvSize(**size) if isinstance(size, Mapping) else ConvSize(*size)
