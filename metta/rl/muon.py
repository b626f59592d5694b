"""Muon for the matrices of hidden layers and AdamW for the rest, behind one optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from metta.agent.components.token_bag import TokenBag
from metta.rl.native_adam import NativeAdamW

ALGORITHM = "algorithm"
"""Key of a parameter group that says who steps it: ``muon`` or ``adamw``."""

_TABLES = (nn.Embedding, nn.EmbeddingBag, TokenBag)
"""Modules whose matrices are looked up by row: no linear map, so nothing to orthogonalise."""


class MuonWithAdamW(torch.optim.Optimizer):
    """``torch.optim.Muon`` and our ``NativeAdamW`` over one list of groups and one state.

    Muon steps along the momentum with its singular values set to about 1 (``ns_steps`` of a Newton-Schulz iteration)::

        B <- m B + (1 - m) G        W <- (1 - lr wd) W - 0.2 lr sqrt(max(rows, columns)) NewtonSchulz(m B + (1 - m) G)

    The factor 0.2 sqrt(max) gives the step the size of an AdamW step, so one learning rate serves both.

    Each group carries ``algorithm``: ``muon`` (matrices only) or ``adamw``.

    Source: Keller Jordan, "Muon: An optimizer for hidden layers in neural networks" (2024); the factor and the weight
    decay: arXiv:2502.16982 eq. 4.
    """

    def __init__(
        self,
        groups: Sequence[dict[str, Any]],
        *,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
        momentum: float,
        ns_steps: int,
    ) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay}
        adamw = {"betas": betas, "eps": eps, "fused": True}
        muon = {"momentum": momentum, "ns_steps": ns_steps, "adjust_lr_fn": "match_rms_adamw"}
        self._parts: dict[str, torch.optim.Optimizer] = {}
        for group in groups:  # each part fills its own defaults in; the dicts stay these ones
            group |= {**defaults, **(muon if group[ALGORITHM] == "muon" else adamw)}
        if of_muon := [group for group in groups if group[ALGORITHM] == "muon"]:
            self._parts["muon"] = torch.optim.Muon(of_muon, lr=lr, weight_decay=weight_decay)
        if of_adamw := [group for group in groups if group[ALGORITHM] == "adamw"]:
            self._parts["adamw"] = NativeAdamW(of_adamw, lr=lr, weight_decay=weight_decay, fused=True)
        super().__init__(list(groups), defaults)
        self._share()

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - no loss to return
        """One step of each part; parameters without gradient are passed over."""
        assert closure is None, "the trainer computes gradients itself"
        for part in self._parts.values():
            part.step()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go back to a saved state."""
        super().load_state_dict(dict(state_dict))
        self._share()

    def _share(self) -> None:
        """Let the parts work on this optimizer's groups and state: loading a state makes new ones."""
        for name, part in self._parts.items():
            part.param_groups = [group for group in self.param_groups if group[ALGORITHM] == name]
            part.state = self.state


def split_hidden(
    module: nn.Module, parameters: Sequence[nn.Parameter]
) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """``parameters`` of ``module`` that are matrices of linear maps, and the others.

    A matrix with a single row or column is a vector, tables of embeddings are no maps, and kernels of convolutions have
    more than two dimensions: all of them stay with AdamW.
    """
    tables = {weight for part in module.modules() if isinstance(part, _TABLES) for weight in part.parameters()}
    matrices = [weight for weight in parameters if _is_matrix(weight) and weight not in tables]
    chosen = set(matrices)
    return matrices, [weight for weight in parameters if weight not in chosen]


def _is_matrix(weight: Tensor) -> bool:
    return weight.ndim == 2 and min(weight.shape) > 1
