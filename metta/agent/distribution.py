"""Distribution over discrete actions, some of which may be masked out."""

from __future__ import annotations

import torch
from torch import Tensor

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
