"""TokenBag: a linear layer on the whole one-hot box, computed from the used tokens alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from metta.agent.components.activation import activation_named
from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.inference import token_arguments
from metta.agent.components.token_index import TokenIndex
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common import _kernels
from metta.common.env_spec import EnvSpec

_TYPICAL_TOKENS = 48
"""Tokens that an arena observation uses on average (mettagrid_facts); scales the first weights."""


class TokenBag(MettaModule):
    """``bias + sum over tokens of weight * table[row]``, then an activation.

    Numeric features scale a learned vector per (feature, position), categorical ones look one up per (feature, value,
    position); positions are the window's cells, or one for global features. Tokens that ``FeatureTable`` ignores add
    nothing. That equals ``nn.Linear`` on ``ObsToBox(..., layout="flat")`` with ``weight = table.T``, at the cost of the
    used tokens: about 50 of 4,000 rows.

    On the CPU native kernels compute it (equal bits for any number of threads); elsewhere, and for other dtypes than
    float32, a torch expression with equal results. ``native=False`` forces the latter.

    Shapes: ``env_obs [..., K, 3] uint8`` -> ``features [..., width] float32``.
    """

    def __init__(
        self,
        features: FeatureTable,
        num_tokens: int,
        width: int,
        in_key: str = "env_obs",
        out_key: str = "features",
        *,
        activation: str | None = None,
        gain: float = 1.0,
        native: bool = True,
    ) -> None:
        super().__init__([in_key], [out_key], input_shapes={in_key: (None, 3)}, output_shapes={out_key: (width,)})
        self.in_key, self.out_key, self.native = in_key, out_key, native
        self.tables = _kernels.TokenTables(features.positions, features.scopes, features.rows, features.weights)
        self.index = TokenIndex(features, num_tokens)
        self.activate = activation_named(activation)
        # The outputs' variance is gain^2 times the share of the tokens whose weight is 1.
        self.weight = nn.Parameter(torch.randn(features.num_rows, width) * (gain / _TYPICAL_TOKENS**0.5))
        self.bias = nn.Parameter(torch.zeros(width))

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return token_arguments(config, spec, "TokenBag")

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        obs = td[self.in_key]
        weight = self.weight
        relu = self.activate is torch.relu_  # computed along with the sums
        if not self.runs_natively:
            out = self.index.sum_vectors(obs, weight, self.bias)
            return {self.out_key: self.activate(out)}
        tokens = obs.reshape(-1, *obs.shape[-2:])
        if torch.is_grad_enabled() and (weight.requires_grad or self.bias.requires_grad):
            out = _TokenBagFunction.apply(self.tables, tokens, weight, self.bias, relu)
        else:
            out = _forward(self.tables, tokens, weight, self.bias, relu)
        out = out if relu else self.activate(out)
        return {self.out_key: out if obs.ndim == 3 else out.view(*obs.shape[:-2], out.shape[-1])}

    @property
    def runs_natively(self) -> bool:
        """Whether kernels compute it."""
        return self.native and self.weight.device.type == "cpu" and self.weight.dtype is torch.float32


class _TokenBagFunction(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, tables: _kernels.TokenTables, tokens: Tensor, weight: Tensor, bias: Tensor, relu: bool
    ) -> Tensor:
        out = _forward(tables, tokens, weight, bias, relu)
        ctx.tables, ctx.num_rows = tables, weight.shape[0]
        ctx.save_for_backward(tokens, out if relu else None)
        return out

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the parameters' names
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[None, None, Tensor, Tensor, None]:
        tokens, out = ctx.saved_tensors
        of_weight, of_bias = token_bag_backward(ctx.tables, tokens, out, grad_outputs[0], ctx.num_rows)
        return None, None, of_weight, of_bias, None


class KeptTokens:
    """Room for the decoded tokens of a forward pass, which its backward pass need not decode again."""

    def __init__(self, tokens: Tensor) -> None:
        self.arrays = (
            torch.empty(tokens.shape[:2], dtype=torch.int64).numpy(),
            torch.empty(2, tokens.shape[0], dtype=torch.int32).numpy(),
        )


def token_bag_backward(
    tables: _kernels.TokenTables,
    tokens: Tensor,
    out: Tensor | None,
    grad: Tensor,
    num_rows: int,
    kept: KeptTokens | None = None,
) -> tuple[Tensor, Tensor]:
    """Gradients of a bag's ``weight`` and ``bias``; ``out`` is what its relu gave, None without one.

    Shapes: ``tokens [B, K, 3]``, ``out`` and ``grad [B, F]`` -> ``[num_rows, F]``, ``[F]``.
    """
    width = grad.shape[-1]
    of_weight, of_bias = torch.empty(num_rows, width), torch.empty(width)
    _kernels.token_bag_backward(
        tables,
        tokens.contiguous().numpy(),
        None if out is None else out.detach().numpy(),
        grad.contiguous().numpy(),
        of_weight.numpy(),
        of_bias.numpy(),
        torch.get_num_threads(),
        None if kept is None else kept.arrays,
    )
    return of_weight, of_bias


def _forward(tables: _kernels.TokenTables, tokens: Tensor, weight: Tensor, bias: Tensor, relu: bool) -> Tensor:
    out = torch.empty(tokens.shape[0], weight.shape[1])
    _kernels.token_bag_forward(
        tables,
        tokens.contiguous().numpy(),
        weight.detach().numpy(),
        bias.detach().numpy(),
        relu,
        out.numpy(),
        torch.get_num_threads(),
    )
    return out
