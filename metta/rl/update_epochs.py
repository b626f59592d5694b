"""How many passes an update makes over its batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from metta.common.errors import ConfigError
from metta.rl.trainer_config import TrainerConfig

_KL, _CLIPFRAC = "approx_kl", "clipfrac"


class UpdateEpochs:
    """Counts the passes of each update, ends one early, and plans the next.

    *Early stop* (``trainer.target_kl``): after each pass, the mean ``approx_kl`` of its minibatches is compared; above
    the target no further pass is made. One sync a pass, none where it is off. Source: the k3 estimator of
    http://joschu.net/blog/kl-approx.html; stopping by it: arXiv:2005.12729 sec. 2 and Spinning Up's PPO.

    *Autotune* (``trainer.update_epochs_autotune``): every ``evaluation_epochs`` epochs the means of ``approx_kl`` and
    ``clipfrac`` decide::

        kl > target (1 + tolerance) or clipfrac > max_clipfrac   ->  planned - step_size, at least the minimum
        kl < target (1 - tolerance)                              ->  planned + step_size, at most the maximum

    ``mean`` averages a tensor over ranks, so that all of them decide alike.
    """

    def __init__(self, config: TrainerConfig, mean: Callable[[Tensor], Tensor] = lambda tensor: tensor) -> None:
        self.target_kl, self.tuning, self.mean = config.target_kl, config.update_epochs_autotune, mean
        self.planned = config.update_epochs
        self._ignored = self.tuning.warmup_epochs
        self._seen: list[list[float]] = []

    @property
    def is_on(self) -> bool:
        """Whether updates may differ in their number of passes."""
        return self.target_kl is not None or self.tuning.is_on

    def stops_after(self, steps: Sequence[Mapping[str, Tensor]]) -> bool:
        """Whether the pass that made ``steps`` (metrics by minibatch) was the update's last one before its time.

        Raises:
            ConfigError: no loss tells ``approx_kl``.
        """
        if self.target_kl is None:
            return False
        kl = torch.stack([torch.stack(_of(_KL, step)).max() for step in steps]).mean()
        return float(self.mean(kl)) > self.target_kl

    def finish(self, passes: int, metrics: Mapping[str, float]) -> dict[str, float]:
        """Look at the update that just made ``passes``; returns ``losses/update_epochs`` and ``losses/kl_stopped``."""
        if not self.is_on:
            return {}
        planned = self.planned
        if self.tuning.is_on:
            self._observe(max(_of(_KL, metrics)), max(_of(_CLIPFRAC, metrics)))
        return {"losses/update_epochs": float(passes), "losses/kl_stopped": float(passes < planned)}

    def state_dict(self) -> dict[str, Any]:
        """What the next decision depends on."""
        return {"planned": self.planned, "ignored": self._ignored, "seen": [list(row) for row in self._seen]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to what ``state_dict`` told."""
        if self.tuning.is_on:
            self.planned, self._ignored = int(state["planned"]), int(state["ignored"])
            self._seen = [list(row) for row in state["seen"]]

    def _observe(self, kl: float, clipfrac: float) -> None:
        if self._ignored > 0:
            self._ignored -= 1
            return
        kl, clipfrac = self.mean(torch.tensor([kl, clipfrac], dtype=torch.float64)).tolist()
        self._seen.append([kl, clipfrac])
        if len(self._seen) < self.tuning.evaluation_epochs:
            return
        kl, clipfrac = (sum(column) / len(self._seen) for column in zip(*self._seen, strict=True))
        self._seen = []
        tuning, before = self.tuning, self.planned
        if kl > tuning.target_kl * (1 + tuning.tolerance) or clipfrac > tuning.max_clipfrac:
            self.planned = max(tuning.min_update_epochs, before - tuning.step_size)
        elif kl < tuning.target_kl * (1 - tuning.tolerance):
            self.planned = min(tuning.max_update_epochs, before + tuning.step_size)
        if self.planned != before:
            self._ignored = tuning.cooldown_epochs


_T = TypeVar("_T")


def _of(name: str, metrics: Mapping[str, _T]) -> list[_T]:
    found = [value for key, value in metrics.items() if key == f"losses/{name}" or key.endswith(f"/{name}")]
    if not found:
        raise ConfigError(
            f"no enabled loss tells {name}, which trainer.target_kl and trainer.update_epochs_autotune need. Enable "
            "trainer.losses.ppo_actor, or switch both off."
        )
    return found
