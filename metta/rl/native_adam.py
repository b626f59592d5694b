"""Adam with the clipping before it: two passes over the numbers, shared by all threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from metta.common import _kernels


class NativeAdam(torch.optim.Adam):
    """``torch.optim.Adam`` whose steps a kernel of our own takes where all is float32 on the CPU, and torch elsewhere.

    Groups, state and what is passed over (parameters without gradient) are torch's to the last key, so either goes on
    where the other stopped. Results differ by rounding; bits do not depend on the number of threads.

    Source: arXiv:1412.6980 algorithm 1.
    """

    max_norm: float | None = None
    """What a step clips the norm of all gradients to; 0: it only takes the norm; None: neither."""

    norm: Tensor | None = None
    """Of all gradients at the last step, before they were clipped."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride] - torch's has overloads
        """One step along the gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        groups = self._native_groups()
        if groups is None:
            if self.max_norm is not None:
                self.norm = _clip([weight for group in self.param_groups for weight in group["params"]], self.max_norm)
            super().step()
        else:
            norm = _kernels.adam_step(groups, self.max_norm, torch.get_num_threads())
            self.norm = torch.scalar_tensor(norm, dtype=torch.float32)
        return loss

    def _native_groups(self) -> list[Any] | None:
        """What the kernel takes; None where torch's step has to be taken."""
        groups: list[Any] = []
        for group in self.param_groups:
            if group["amsgrad"] or group["maximize"] or group["differentiable"] or isinstance(group["lr"], Tensor):
                return None
            places: list[tuple[int, ...]] = []
            for weight in group["params"]:
                gradient = weight.grad
                if gradient is None:
                    continue
                if not (_is_native(weight) and _is_native(gradient)):
                    return None
                state = self.state[weight] or self._begin(weight)
                first, second, steps = state["exp_avg"], state["exp_avg_sq"], state["step"]
                if not (_is_native(first) and _is_native(second) and _is_native(steps)):
                    return None
                tensors = (weight, gradient, first, second, steps)
                places.append((*[tensor.data_ptr() for tensor in tensors], weight.numel()))
            decay = (group["weight_decay"], group["decoupled_weight_decay"])
            groups.append((group["lr"], *group["betas"], group["eps"], *decay, places))
        return groups

    def _begin(self, weight: Tensor) -> dict[str, Tensor]:
        """The state before a parameter's first step, as torch's fused Adam makes it."""
        state = self.state[weight]
        state["step"] = torch.zeros((), dtype=torch.float32)
        state["exp_avg"] = torch.zeros_like(weight)
        state["exp_avg_sq"] = torch.zeros_like(weight)
        return state


class NativeAdamW(NativeAdam, torch.optim.AdamW):
    """``torch.optim.AdamW`` whose steps the same kernel takes.

    Source: arXiv:1711.05101 algorithm 2.
    """


def clip_and_step(optimizer: torch.optim.Optimizer, parameters: Sequence[Tensor], max_norm: float) -> Tensor:
    """Scale the gradients of ``parameters``, all that learn, to norm ``max_norm`` if theirs is larger (0: never), and
    take a step.

    Returns the norm before. It is not a number as soon as one gradient is not; all weights become so with it.
    """
    if not isinstance(optimizer, NativeAdam):
        norm = _clip(parameters, max_norm)
        optimizer.step()
        return norm
    optimizer.max_norm = max_norm
    try:
        optimizer.step()
    finally:
        optimizer.max_norm = None
    assert optimizer.norm is not None
    return optimizer.norm


def _clip(parameters: Sequence[Tensor], max_norm: float) -> Tensor:
    norm = nn.utils.get_total_norm([weight.grad for weight in parameters if weight.grad is not None])
    if max_norm > 0:
        nn.utils.clip_grads_with_norm_(parameters, max_norm, norm)
    return norm


def _is_native(tensor: Tensor) -> bool:
    """Whether the kernel can read it as it lies in memory."""
    return tensor.dtype is torch.float32 and tensor.is_cpu and tensor.is_contiguous()
