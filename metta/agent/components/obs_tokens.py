"""ObsTokens: observation bytes to a short sequence of vectors with a mask."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.inference import token_arguments
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common import _kernels
from metta.common.env_spec import PADDING, EnvSpec
from metta.common.errors import ConfigError

Coordinates = Literal["fourier", "learned"]
Values = Literal["append", "scale", "embed"]
Tables = tuple[Tensor, Tensor, Tensor, Tensor]
_EMBED_STD = 0.5


class ObsTokens(MettaModule):
    """Strips padding, normalises values, and turns each token into a vector: what it is, where, how much.

    What: a learned vector per numeric feature, or per (feature, value) of a categorical one. Where, by ``coordinates``:

    - ``"fourier"``: appends sines and cosines of the cell's row and column, each in -1 .. 1 about the window's centre,
      at frequencies pi, 2 pi, 4 pi ... (``4 * num_freqs`` numbers, zeros for global tokens);
    - ``"learned"``: adds a learned vector per cell (and one for all global tokens).

    How much, by ``values``: ``"append"`` appends the weight that ``FeatureTable`` gives the token (a numeric one's
    scaled value; 1 for categories), ``"scale"`` multiplies the first vector by it, ``"embed"`` adds a learned vector
    per byte of a numeric value.

    At most ``max_tokens`` are kept: the first ones, which are those of global features and of the nearest cells. With
    ``length="longest"`` the sequence is cut after the last used token of the whole batch (on a GPU this waits for the
    device once a call), with ``"fixed"`` it always has ``max_tokens``. ``mask`` is True for used tokens; padding and
    tokens that the feature table does not know are False there, and 0 in the output.

    On the CPU a native kernel makes appended vectors with Fourier coordinates; ``native=False`` does without.

    Shapes (K tokens, K' kept ones): ``env_obs [..., K, 3] uint8`` -> ``tokens [..., K', out_features] float32``,
    ``mask [..., K'] bool``.
    Source: Fourier features of positions: arXiv:2103.03206 sec. 3.2.
    """

    channels: Tensor
    weights: Tensor
    cells: Tensor
    scopes: Tensor
    is_numeric: Tensor
    fourier: Tensor

    def __init__(
        self,
        features: FeatureTable,
        num_tokens: int,
        embed_dim: int = 12,
        in_key: str = "env_obs",
        out_key: str = "tokens",
        *,
        out_mask_key: str = "mask",
        max_tokens: int | None = None,
        length: Literal["longest", "fixed"] = "longest",
        coordinates: Coordinates = "fourier",
        num_freqs: int = 6,
        values: Values = "append",
        native: bool = True,
    ) -> None:
        _check(coordinates, values, length, max_tokens)
        width = embed_dim + (4 * num_freqs if coordinates == "fourier" else 0) + (values == "append")
        shapes: dict[str, Shape] = {out_key: ("tokens", width), out_mask_key: ("tokens",)}
        super().__init__([in_key], [*shapes], input_shapes={in_key: (None, 3)}, output_shapes=shapes)
        self.in_key, self.out_key, self.out_mask_key = in_key, out_key, out_mask_key
        self.max_tokens = min(max_tokens or num_tokens, num_tokens)
        self.length, self.coordinates, self.values, self.native = length, coordinates, values, native
        self.out_features, self.unused_cell = width, features.window[0] * features.window[1] + 1
        channels, self.unused_channel = _channels(features)
        for name, table in (
            ("channels", torch.tensor(channels)),
            ("weights", torch.tensor(features.weights)),
            ("cells", torch.tensor(_cells(features)).long()),
            ("scopes", torch.tensor(features.scopes).long()),
            ("is_numeric", torch.tensor(_is_numeric(features))),
            ("fourier", _fourier(features.window, num_freqs)),
        ):
            self.register_buffer(name, table, persistent=False)
        self.attributes = _embedding(self.unused_channel + 1, embed_dim)
        self.places = _embedding(self.unused_cell + 1, embed_dim) if coordinates == "learned" else None
        self.amounts = _embedding(257, embed_dim) if values == "embed" else None

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return token_arguments(config, spec, "ObsTokens")

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        obs = td[self.in_key][..., : self.max_tokens, :]
        if self.length == "longest" and not torch.compiler.is_compiling():  # a graph has fixed sizes; results are equal
            obs = obs[..., : _longest(obs), :]
        if self._runs_natively():
            tokens, mask = _TokenVectors.apply(self.tables(), obs.flatten(0, -3), self.attributes.weight, self.fourier)
            batch = obs.shape[:-1]
            return {self.out_key: tokens.view(*batch, -1), self.out_mask_key: mask.view(batch)}
        location, feature, value = obs.long().unbind(-1)
        cell, channel = self.cells[self.scopes[feature], location], self.channels[feature, value]
        mask = (cell != self.unused_cell) & (channel != self.unused_channel)
        # The last rows get no gradient, so that unused tokens cost none.
        cell, channel = cell.where(mask, self.unused_cell), channel.where(mask, self.unused_channel)
        weight = (self.weights[feature, value] * mask)[..., None]
        x = self.attributes(channel)
        if self.values == "scale":
            x = x * weight
        if self.amounts is not None:
            x = x + self.amounts(value.where(mask & self.is_numeric[feature], 256))
        if self.places is not None:
            x = x + self.places(cell)
        parts = [x]
        if self.coordinates == "fourier":
            parts.append(self.fourier[cell])
        if self.values == "append":
            parts.append(weight)
        return {self.out_key: torch.cat(parts, -1) if len(parts) > 1 else x, self.out_mask_key: mask}

    def tables(self) -> Tables:
        """What the native kernel looks up."""
        return self.channels, self.cells, self.scopes, self.weights

    def _runs_natively(self) -> bool:
        weight = self.attributes.weight
        return (
            self.native
            and self.coordinates == "fourier"
            and self.values == "append"
            and weight.device.type == "cpu"
            and weight.dtype is torch.float32
            and not torch.compiler.is_compiling()
        )


class _TokenVectors(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tables: Tables, obs: Tensor, attributes: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        obs = obs.contiguous()
        ctx.tables, ctx.shape, ctx.num_places = tables, attributes.shape, places.shape[0]
        ctx.save_for_backward(obs)
        out = torch.empty(*obs.shape[:-1], attributes.shape[1] + places.shape[1] + 1)
        mask = torch.empty(obs.shape[:-1], dtype=torch.bool)
        ctx.mark_non_differentiable(mask)
        _kernels.token_vectors_forward(
            *_arrays(tables),
            obs.numpy(),
            attributes.detach().numpy(),
            places.numpy(),
            out.numpy(),
            mask.numpy(),
            torch.get_num_threads(),
        )
        return out, mask

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the parameters' names
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[None, None, Tensor, None]:
        (obs,) = ctx.saved_tensors
        grad = torch.empty(ctx.shape)
        _kernels.token_vectors_backward(
            *_arrays(ctx.tables),
            obs.numpy(),
            grad_outputs[0].contiguous().numpy(),
            grad.numpy(),
            ctx.num_places,
            torch.get_num_threads(),
        )
        return None, None, grad, None


def _arrays(tables: Tables) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    channels, cells, scopes, weights = tables
    return channels.numpy(), cells.numpy(), scopes.numpy(), weights.numpy()


def _longest(obs: Tensor) -> int:
    """Tokens up to the last one that is not padding in any observation; at least 1, for a sequence must have one."""
    used = (obs[..., 1] != PADDING).reshape(-1, obs.shape[-2]).any(0)
    return max(1, int((used * torch.arange(1, used.shape[0] + 1, device=obs.device)).amax()))


def _cells(features: FeatureTable) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Places per (scope, location): cells are 0 .. P - 1, that of global tokens is P, unused ones have P + 1."""
    num_cells = features.window[0] * features.window[1]
    cells = np.where(features.positions < 0, num_cells + 1, features.positions)
    cells[1] = np.where(features.positions[1] < 0, num_cells + 1, num_cells)
    return cells


def _channels(features: FeatureTable) -> tuple[np.ndarray[Any, np.dtype[np.int64]], int]:
    """Channels of the one-hot box, counted, per (feature, value); unknown ones get the number of channels."""
    first_rows, index = np.unique(features.rows, return_inverse=True)
    index = index.reshape(features.rows.shape).astype(np.int64)
    if first_rows[0] < 0:
        index -= 1
    num_channels = int(index.max()) + 1
    return np.where(index < 0, num_channels, index), num_channels


def _is_numeric(features: FeatureTable) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Per feature id: all its values share one row of the box."""
    return (features.rows == features.rows[:, :1]).all(1) & (features.rows[:, 0] >= 0)


def _fourier(window: tuple[int, int], num_freqs: int) -> Tensor:
    """Sines and cosines of each cell's row and column; zeros for global and unused tokens.

    Shapes: ``[H * W + 2, 4 * num_freqs]``.
    """
    angles = math.pi * 2.0 ** torch.arange(num_freqs)
    axes = [torch.linspace(-1, 1, size) if size > 1 else torch.zeros(1) for size in window]
    rows, columns = torch.meshgrid(*axes, indexing="ij")
    phases = torch.cat([place.reshape(-1, 1) * angles for place in (rows, columns)], 1)
    return nn.functional.pad(torch.cat([phases.sin(), phases.cos()], 1), (0, 0, 0, 2))


def _embedding(rows: int, dim: int) -> nn.Embedding:
    table = nn.Embedding(rows, dim, padding_idx=rows - 1)
    with torch.no_grad():
        table.weight[:-1] *= _EMBED_STD
    return table


def _check(coordinates: str, values: str, length: str, max_tokens: int | None) -> None:
    for name, got, allowed in (
        ("coordinates", coordinates, ("fourier", "learned")),
        ("values", values, ("append", "scale", "embed")),
        ("length", length, ("longest", "fixed")),
    ):
        if got not in allowed:
            raise ConfigError(f"ObsTokens got {name}={got!r}; it knows {list(allowed)}.")
    if max_tokens is not None and max_tokens < 1:
        raise ConfigError(f"ObsTokens got max_tokens={max_tokens}; it must keep at least one token.")
