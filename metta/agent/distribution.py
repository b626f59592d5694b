"""Distribution over discrete actions, some of which may be masked out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from metta.common import _kernels

# Low enough for probability 0, far enough from the smallest float that subtracting a logit cannot give -inf, whose
# product with a probability of 0 would be NaN in the entropy.
_MASKED = torch.finfo(torch.float32).min / 4


def choose_actions(
    logits: Tensor, mask: Tensor | None, generator: torch.Generator | None, *, greedy: bool = False
) -> tuple[Tensor, Tensor]:
    """Actions ``[B] int64`` and their log-probabilities ``[B] float32``, without gradients: what acting needs.

    Sampling on the CPU takes one native pass instead of a dozen small operations.

    Shapes: ``logits [B, A]``, ``mask [B, A] bool`` or None.
    """
    if greedy or logits.device.type != "cpu" or logits.dtype is not torch.float32:
        dist = MaskedCategorical(logits, mask)
        action = dist.mode() if greedy else dist.sample(generator)
        return action, dist.log_prob(action)
    draws = torch.rand(logits.shape[0], generator=generator)
    action, log_prob = torch.empty(logits.shape[0], dtype=torch.int64), torch.empty_like(draws)
    allowed = None if mask is None else mask.contiguous().numpy()
    _kernels.sample_actions(
        logits.detach().contiguous().numpy(), allowed, draws.numpy(), action.numpy(), log_prob.numpy()
    )
    return action, log_prob


def weigh_actions(logits: Tensor, mask: Tensor | None, action: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probabilities of ``action`` and entropies, with gradients: what learning needs.

    Equals ``MaskedCategorical``'s; on the CPU one native pass forward and one backward.

    Shapes: ``logits [..., A]``, ``mask [..., A] bool`` or None, ``action [...] int64`` -> both ``[...] float32``.
    """
    if logits.device.type != "cpu" or logits.dtype is not torch.float32 or torch.compiler.is_compiling():
        dist = MaskedCategorical(logits, mask)
        return dist.log_prob(action), dist.entropy()
    rows = logits.reshape(-1, logits.shape[-1])
    allowed = None if mask is None else mask.reshape(rows.shape)
    chosen, entropy = _Categorical.apply(rows, allowed, action.reshape(-1))
    return chosen.view(action.shape), entropy.view(action.shape)


class _Categorical(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, mask: Tensor | None, action: Tensor) -> tuple[Tensor, Tensor]:
        log_probs = torch.empty(logits.shape)
        chosen, entropy = torch.empty(logits.shape[0]), torch.empty(logits.shape[0])
        mask = None if mask is None else mask.contiguous()
        action = action.contiguous()
        _kernels.categorical_forward(
            logits.detach().contiguous().numpy(),
            None if mask is None else mask.numpy(),
            action.numpy(),
            log_probs.numpy(),
            chosen.numpy(),
            entropy.numpy(),
            torch.get_num_threads(),
        )
        ctx.save_for_backward(log_probs, mask, action, entropy)
        return chosen, entropy

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the parameters' names
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[Tensor, None, None]:
        log_probs, mask, action, entropy = ctx.saved_tensors
        grad_logits = torch.empty(log_probs.shape)
        _kernels.categorical_backward(
            log_probs.numpy(),
            None if mask is None else mask.numpy(),
            action.numpy(),
            entropy.detach().numpy(),
            grad_outputs[0].contiguous().numpy(),
            grad_outputs[1].contiguous().numpy(),
            grad_logits.numpy(),
            torch.get_num_threads(),
        )
        return grad_logits, None, None


class MaskedCategorical:
    """Categorical distribution whose masked-out actions have probability 0.

    Each row needs at least one allowed action (environments always allow noop).

    Shapes: ``logits [..., A]``, ``mask [..., A] bool`` (True = allowed) or None.

    >>> dist = MaskedCategorical(torch.zeros(1, 4), torch.tensor([[True, False, True, False]]))
    >>> dist.log_probs.exp()
    tensor([[0.5000, 0.0000, 0.5000, 0.0000]])
    """

    __slots__ = ("log_probs",)

    def __init__(self, logits: Tensor, mask: Tensor | None = None) -> None:
        if mask is not None:
            logits = logits.masked_fill(~mask, _MASKED)
        self.log_probs = logits.log_softmax(-1, dtype=torch.float32)

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Actions ``[...] int64`` by inverse CDF: one uniform number a row, so rows never shift each other's draws.

        The first action whose cumulated probability exceeds u * total is taken. Its own probability is above 0, since
        the sum before it does not exceed u * total; and there is one, since u < 1.
        """
        cdf = self.log_probs.exp().cumsum(-1)
        draw = torch.rand(cdf.shape[:-1], generator=generator, device=cdf.device).unsqueeze(-1)
        return (cdf <= draw * cdf[..., -1:]).sum(-1)

    def mode(self) -> Tensor:
        """The likeliest actions ``[...] int64``; the first of equals."""
        return self.log_probs.argmax(-1)

    def log_prob(self, action: Tensor) -> Tensor:
        """Log-probabilities ``[...] float32`` of ``action [...] int64``."""
        return self.log_probs.gather(-1, action.unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        """Entropies ``[...] float32``.

        Units: nats.
        """
        return -(self.log_probs.exp() * self.log_probs).sum(-1)
