"""ConvModule: one convolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from metta.agent.components.activation import activation_named, gain_of, initialised
from metta.agent.components.inference import complete, size_of
from metta.agent.components.nn_module import in_one_batch
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec


class ConvModule(MettaModule):
    """One 2d convolution and an activation; further keywords go to ``nn.Conv2d`` (stride, padding, groups ...).

    Shapes: ``image [..., in_channels, H, W] float32`` -> ``features [..., out_channels, H', W'] float32``.

    >>> import torch
    >>> conv = ConvModule(3, 64, 3, "observation", "features", padding=1)
    >>> conv({"observation": torch.randn(2, 3, 11, 11)})["features"].shape
    torch.Size([2, 64, 11, 11])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        in_key: str = "image",
        out_key: str = "features",
        *,
        activation: str | None = None,
        gain: float | None = None,
        init: str = "orthogonal",
        **conv_options: Any,
    ) -> None:
        super().__init__(
            [in_key],
            [out_key],
            input_shapes={in_key: (in_channels, None, None)},
            output_shapes={out_key: (out_channels, None, None)},
        )
        self.in_key, self.out_key = in_key, out_key
        self.activate = activation_named(activation)
        conv = nn.Conv2d(in_channels, out_channels, kernel_size, **conv_options)
        self.conv = initialised(conv, init, gain_of(activation) if gain is None else gain)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, in_channels=size_of(shapes, in_keys, -3))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {self.out_key: self.activate(in_one_batch(self.conv, td[self.in_key], 3))}
