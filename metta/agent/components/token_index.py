"""TokenIndex: rows and weights of tokens as torch expressions, on any device."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from metta.agent.components.feature_table import FeatureTable


class TokenIndex(nn.Module):
    """The lookup tables of a ``FeatureTable`` as buffers; they follow from the ``EnvSpec``, so no checkpoint has them.

    Shapes: observations ``[..., K, 3] uint8`` -> ``rows [..., K] int64``, ``weights [..., K] float32``.
    """

    positions: Tensor
    scopes: Tensor
    rows: Tensor
    weights: Tensor
    spread: Tensor

    def __init__(self, features: FeatureTable, num_tokens: int) -> None:
        super().__init__()
        self.num_rows = features.num_rows
        self.num_cell_channels = features.num_cell_channels
        self.planes_shape = (features.num_cell_channels + features.num_global_channels, *features.window)
        for name, values in (
            ("positions", torch.tensor(features.positions).long()),
            ("scopes", torch.tensor(features.scopes).long()),
            ("rows", torch.tensor(features.rows).long()),
            ("weights", torch.tensor(features.weights)),
            # Ignored tokens get weight 0 and any row. One row for all would make a GPU's gradients queue up for it.
            ("spread", torch.arange(num_tokens) % features.num_rows),
        ):
            self.register_buffer(name, values, persistent=False)

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        location, feature, value = obs.long().unbind(-1)
        position = self.positions[self.scopes[feature], location]
        row = self.rows[feature, value]
        used = (position >= 0) & (row >= 0)
        spread = self.spread if self.spread.shape[0] == obs.shape[-2] else torch.zeros_like(row)
        return torch.where(used, row + position, spread), self.weights[feature, value] * used

    def sum_vectors(self, obs: Tensor, table: Tensor, bias: Tensor) -> Tensor:
        """``bias + sum of weight * table[row]`` over each observation's tokens.

        Shapes: ``table [N, F]``, ``bias [F]`` -> ``[..., F]``.
        """
        rows, weights = self(obs.flatten(0, -3))
        sums = nn.functional.embedding_bag(rows, table, per_sample_weights=weights.to(table.dtype), mode="sum")
        return (sums + bias).view(*obs.shape[:-2], table.shape[1])

    def to_box(self, obs: Tensor) -> Tensor:
        """The one-hot box, flat: each row's weights added up.

        Shapes: ``[..., K, 3]`` -> ``[..., N] float32``.
        """
        rows, weights = self(obs)
        return weights.new_zeros(*obs.shape[:-2], self.num_rows).scatter_add_(-1, rows, weights)

    def to_planes(self, obs: Tensor) -> Tensor:
        """The one-hot box, a plane per channel; global channels are repeated in every cell, as convolutions want it.

        Shapes: ``[..., K, 3]`` -> ``[..., C, H, W] float32``.
        """
        flat, window = self.to_box(obs), self.planes_shape[1:]
        cells = self.num_cell_channels * window[0] * window[1]
        planes = flat[..., :cells].unflatten(-1, (self.num_cell_channels, *window))
        constant = flat[..., cells:, None, None]
        return torch.cat([planes, constant.expand(*constant.shape[:-2], *window)], dim=-3)
