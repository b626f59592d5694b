"""Schedule-free AdamW: gradients at one point, the policy that plays, is evaluated and saved at another."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from typing import Any, ClassVar

import torch
from schedulefree import AdamWScheduleFree
from torch import Tensor


class ScheduleFreeAdamW(AdamWScheduleFree):
    """``schedulefree.AdamWScheduleFree`` that leaves frozen parameters as they are, to the byte.

    Three sequences: ``z`` takes the steps, ``x`` is its average, gradients are taken at ``y`` between the two::

        y = (1 - beta1) z + beta1 x
        z <- z - lr (g(y) / sqrt(v) + wd y)
        x <- (1 - c) x + c z,  c = lr^2 / sum lr^2

    The parameters hold ``x`` at all times but inside of :meth:`training`, where they hold ``y``. So rollouts,
    evaluation, saved policies and the trainer's state all see ``x``, and a resumed run starts from the same bytes.

    Source: arXiv:2405.15682 eq. 3 to 5 and algorithm 1.
    """

    group_counters: ClassVar[tuple[str, ...]] = ("k", "weight_sum", "lr_max")
    """Counters of each group that belong to a saved state."""

    def __init__(self, groups: list[dict[str, Any]], **settings: Any) -> None:
        super().__init__(groups, **settings)
        self._frozen: Collection[Tensor] = ()

    @contextlib.contextmanager
    def training(self, frozen: Collection[Tensor] = ()) -> Iterator[None]:
        """Inside, parameters hold the point where gradients are taken; ``frozen`` ones stay as they are."""
        self._frozen = frozen
        self.train()
        try:
            yield
        finally:
            self.eval()
            self._frozen = ()

    @torch.no_grad()
    def train(self) -> None:
        """From ``x`` to ``y``."""
        self._move(True, lambda beta1: 1 - beta1)

    @torch.no_grad()
    def eval(self) -> None:
        """From ``y`` to ``x``."""
        self._move(False, lambda beta1: 1 - 1 / beta1)

    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step. A group without any gradient, such as a frozen component's, does not count it."""
        idle = [group for group in self.param_groups if all(weight.grad is None for weight in group["params"])]
        before = [{key: group[key] for key in self.group_counters} for group in idle]
        loss = super().step(closure)
        for group, counters in zip(idle, before, strict=True):
            group |= counters
        return loss

    def _move(self, training: bool, share: Callable[[float], float]) -> None:
        """Going there and back rounds, so what is frozen must not go at all."""
        for group in self.param_groups:
            if group["train_mode"] != training:
                for weight in group["params"]:
                    if "z" in self.state[weight] and weight not in self._frozen:
                        weight.lerp_(self.state[weight]["z"], share(group["betas"][0]))
                group["train_mode"] = training
