"""TokenCNN: a CNN over the dense box of tokens, its first convolution computed from the used tokens alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from metta.agent.components.activation import activation_named, gain_of, orthogonal_init
from metta.agent.components.cnn import ConvSize, conv_size, make_convs
from metta.agent.components.dense import dense, dense_rows
from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.inference import token_arguments
from metta.agent.components.token_conv import TokenConv, fits
from metta.agent.components.token_index import TokenIndex
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError


class TokenCNN(MettaModule):
    """`ObsToBox` and `CNNEncoder` in one, without the box: same parameters, names and results.

    The first convolution adds up some 100 short vectors (``TokenConv``) instead of going over 46 planes of 121 cells.
    Everything after it lies channels last, so that a second convolution which covers all of it is one matrix product.

    On the CPU native kernels compute the first one (equal bits for any number of threads); elsewhere, and for other
    dtypes than float32, the box and ``nn.Conv2d`` do. ``native=False`` forces the latter.

    Shapes: ``env_obs [..., K, 3] uint8`` -> ``features [..., out_features] float32``.
    """

    def __init__(
        self,
        features: FeatureTable,
        num_tokens: int,
        convs: tuple[ConvSize, ...],
        out_features: int,
        in_key: str = "env_obs",
        out_key: str = "features",
        *,
        activation: str = "relu",
        native: bool = True,
    ) -> None:
        if not convs:
            raise ConfigError("TokenCNN needs at least one convolution; got convs=[].")
        super().__init__(
            [in_key], [out_key], input_shapes={in_key: (None, 3)}, output_shapes={out_key: (out_features,)}
        )
        self.in_key, self.out_key, self.native = in_key, out_key, native
        self.activate = activation_named(activation)
        gain = gain_of(activation)
        self.index = TokenIndex(features, num_tokens)
        self.convs, size = make_convs(self.index.planes_shape, convs, gain)
        self.linear = orthogonal_init(nn.Linear(size, out_features), gain)
        self.first = TokenConv.of(features, convs[0].kernel, convs[0].stride, relu=activation == "relu")

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        convs = {"convs": tuple(map(conv_size, config["convs"]))} if "convs" in config else {}
        return token_arguments({**config, **convs}, spec, "TokenCNN")

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        obs: Tensor = td[self.in_key]
        tokens = obs.flatten(0, -3)
        first, *rest = self.convs
        assert isinstance(first, nn.Conv2d)
        if self.native and fits(first):
            assert first.bias is not None
            x = self.first(tokens, first.weight, first.bias)
            x = x if self.first.relu else self.activate(x)
        else:
            x = self.activate(first(self.index.to_planes(tokens).to(first.weight.dtype)))
        for conv in rest:
            x = self._convolve(conv, x)
        x = dense(self.linear, x.flatten(1), self.activate)
        return {self.out_key: x.view(*obs.shape[:-2], -1)}

    def _convolve(self, conv: nn.Module, x: Tensor) -> Tensor:
        """One matrix product where the kernel is as large as ``x [N, C, H, W]``."""
        if not isinstance(conv, nn.Conv2d) or x.shape[-2:] != conv.kernel_size:
            return self.activate(conv(x))
        flat = x.permute(0, 2, 3, 1).flatten(1)  # no copy when x lies channels last
        weight = conv.weight.permute(0, 2, 3, 1).flatten(1)
        return dense_rows(flat, weight, conv.bias, self.activate)[:, :, None, None]
