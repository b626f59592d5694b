"""PPO's formulas in one native pass each, instead of dozens of small operations and as many in the backward pass."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from metta.common import _kernels


def runs_natively(*tensors: Tensor) -> bool:
    """Whether the kernels take these: ``float32`` on the CPU, and nobody who traces."""
    return not torch.compiler.is_compiling() and all(
        tensor.device.type == "cpu" and tensor.dtype is torch.float32 for tensor in tensors
    )


def actor_loss(
    log_prob: Tensor,
    entropy: Tensor,
    old_log_prob: Tensor,
    advantages: Tensor,
    valid: Tensor,
    *,
    clip: float,
    ent: float,
) -> tuple[Tensor, dict[str, Tensor]]:
    """``policy_loss - ent * entropy`` and the actor's metrics; see ``PPOActorLoss``.

    Shapes: all alike, ``[s, T]``.
    """
    loss, *means = _Actor.apply(log_prob, entropy, old_log_prob, advantages, valid, clip, ent)
    return loss, dict(zip(("policy_loss", "entropy", "approx_kl", "clipfrac", "importance"), means, strict=True))


def critic_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, valid: Tensor, *, clip: float | None, weight: float
) -> tuple[Tensor, Tensor]:
    """``weight * value_loss`` with its gradient, and ``value_loss``; see ``PPOCriticLoss``.

    Shapes: all alike, ``[s, T]``.
    """
    return _Critic.apply(values, old_values, returns, valid, -1.0 if clip is None else clip, weight)


def normalized(advantages: Tensor, valid: Tensor) -> Tensor:
    """Mean 0 and standard deviation 1 over the valid steps.

    Shapes: both ``[s, T]``.
    """
    out = torch.empty(advantages.shape)
    _kernels.normalize_advantages(_array(advantages), _array(valid), out.numpy())
    return out


class _Actor(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        log_prob: Tensor,
        entropy: Tensor,
        old: Tensor,
        advantages: Tensor,
        valid: Tensor,
        clip: float,
        ent: float,
    ) -> tuple[Tensor, ...]:
        slopes = torch.empty(2, *log_prob.shape)
        to_log_prob, to_entropy = slopes.numpy()
        found = _kernels.ppo_actor(
            _array(log_prob),
            _array(old),
            _array(advantages),
            _array(entropy),
            _array(valid),
            clip,
            ent,
            to_log_prob,
            to_entropy,
        )
        ctx.save_for_backward(slopes)
        loss, *means = torch.tensor(found).unbind()
        ctx.mark_non_differentiable(*means)
        return loss.clone(), *means

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the parameters' names
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[Tensor | None, ...]:
        of_log_prob, of_entropy = (ctx.saved_tensors[0] * grad_outputs[0]).unbind()
        return of_log_prob, of_entropy, None, None, None, None, None


class _Critic(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, values: Tensor, old: Tensor, returns: Tensor, valid: Tensor, clip: float, weight: float
    ) -> tuple[Tensor, Tensor]:
        slopes = torch.empty(values.shape)
        found = _kernels.ppo_critic(
            _array(values), _array(old), _array(returns), _array(valid), clip, weight, slopes.numpy()
        )
        value_loss = torch.tensor(found)
        ctx.save_for_backward(slopes)
        ctx.mark_non_differentiable(value_loss)
        return value_loss * weight, value_loss

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the parameters' names
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[Tensor | None, ...]:
        return ctx.saved_tensors[0] * grad_outputs[0], None, None, None, None, None


def _array(tensor: Tensor) -> Any:
    return tensor.detach().contiguous().numpy()
