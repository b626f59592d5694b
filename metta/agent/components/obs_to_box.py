"""ObsToBox: tokens to the dense one-hot box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import Tensor

from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.inference import token_arguments
from metta.agent.components.token_index import TokenIndex
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec


class ObsToBox(MettaModule):
    """Spreads tokens over the dense box of a ``FeatureTable``.

    ``layout="flat"``: one number per row of the table. ``layout="planes"``: one plane per channel, global channels
    repeated in every cell, as convolutions want it.

    Shapes: ``env_obs [..., K, 3] uint8`` -> ``box [..., N] float32`` (flat) or ``[..., C, H, W] float32`` (planes).
    """

    def __init__(
        self,
        features: FeatureTable,
        num_tokens: int,
        in_key: str = "env_obs",
        out_key: str = "box",
        *,
        layout: Literal["flat", "planes"] = "planes",
    ) -> None:
        channels = features.num_cell_channels + features.num_global_channels
        shape = (features.num_rows,) if layout == "flat" else (channels, *features.window)
        super().__init__([in_key], [out_key], input_shapes={in_key: (None, 3)}, output_shapes={out_key: shape})
        self.in_key, self.out_key, self.layout = in_key, out_key, layout
        self.index = TokenIndex(features, num_tokens)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return token_arguments(config, spec, "ObsToBox")

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        obs = td[self.in_key]
        return {self.out_key: self.index.to_box(obs) if self.layout == "flat" else self.index.to_planes(obs)}
