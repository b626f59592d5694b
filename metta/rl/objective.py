"""What is minimised: the policy's outputs on a minibatch, and the losses on them, summed by weight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from tensordict import TensorDict
from torch import Tensor, nn

from metta.rl.loss.base import Loss, masked_mean
from metta.rl.loss.native_ppo import normalized, runs_natively
from metta.rl.sampling import WEIGHTS
from metta.rl.schedule import Clock

if TYPE_CHECKING:
    from metta.agent.policy import ExperienceSpec, Policy
    from metta.rl.experience import Experience
    from metta.rl.trainer_config import TrainerConfig


class Objective(nn.Module):
    """Policy and losses as one module: what is trained, and what data-parallel training wraps.

    ``forward(batch)`` returns the total, a scalar with gradients, and detached metrics ``losses/<metric>`` (of losses
    whose name is not their type: ``losses/<name>/<metric>``). Source of the sum: arXiv:1707.06347 eq. 9.
    """

    def __init__(self, policy: Policy, losses: Mapping[str, Loss[Any]], config: TrainerConfig) -> None:
        super().__init__()
        self.policy = policy
        self.losses = dict(losses)
        self._registered = nn.ModuleList(losses.values())
        self.normalize_advantages = config.normalize_advantages
        self.sum_over_ranks: Callable[[Tensor], Tensor] | None = None
        """Where several ranks train: the sum of a tensor over them, so that advantages are normalised over all."""

    def forward(self, minibatch: TensorDict) -> tuple[Tensor, dict[str, Tensor]]:
        """Total and metrics of ``minibatch``, which is only read.

        Shapes: ``[s, T, ...]`` by key.
        """
        # A plain dict: looked up twenty times, and the normalised advantages must not end up in the experience.
        batch: dict[str, Tensor] = {str(key): value for key, value in minibatch.items()}
        if self.normalize_advantages:
            batch["advantages"] = normalize(batch["advantages"], batch["valid"], self.sum_over_ranks)
        if WEIGHTS in batch:
            batch["advantages"] = batch["advantages"] * batch[WEIGHTS][:, None]
        output = self.policy.evaluate(batch)
        total: Tensor | None = None
        metrics: dict[str, Tensor] = {}
        for name, loss in self.losses.items():
            result = loss(batch, output)
            weighted = result.loss if loss.weight == 1.0 else loss.weight * result.loss
            total = weighted if total is None else total + weighted
            prefix = "losses/" if loss.cfg.kind == name else f"losses/{name}/"
            metrics |= {f"{prefix}{key}": value for key, value in result.metrics.items()}
        assert total is not None, "build_losses refuses an empty set"
        if (auxiliary := self.policy.auxiliary_loss()) is not None:
            total = total + auxiliary
            metrics["losses/auxiliary"] = auxiliary.detach()
        return total, metrics

    def own_parameters(self) -> dict[str, list[nn.Parameter]]:
        """Parameters of the losses by ``loss.<name>``; losses without any are left out."""
        found = {f"loss.{name}": list(loss.parameters()) for name, loss in self.losses.items()}
        return {name: parameters for name, parameters in found.items() if parameters}

    def named_own_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Parameters of the losses with names for people."""
        for name, loss in self.losses.items():
            for key, parameter in loss.named_parameters():
                yield f"loss.{name}.{key}", parameter

    def after_step(self) -> None:
        """After each optimizer step."""
        self.policy.after_step()
        for loss in self.losses.values():
            loss.after_step()

    def begin_epoch(self, clock: Clock) -> dict[str, float]:
        """Set the losses' scheduled coefficients; returns them as ``hyperparameters/<loss>/<coefficient>``."""
        return {
            f"hyperparameters/{name}/{key}": value
            for name, loss in self.losses.items()
            for key, value in loss.begin_epoch(clock).items()
        }

    def end_epoch(self, metrics: Mapping[str, float]) -> None:
        """After the update, with the epoch's metrics, which schedules may follow."""
        for loss in self.losses.values():
            loss.end_epoch(metrics)

    def prepare(self, experience: Experience) -> None:
        """After the rollout: each loss looks at the whole experience."""
        for loss in self.losses.values():
            loss.prepare(experience)

    @property
    def experience_spec(self) -> ExperienceSpec:
        """What acting losses write for each step."""
        return {key: entry for loss in self.acting for key, entry in loss.experience_spec.items()}

    @property
    def prepared_spec(self) -> ExperienceSpec:
        """What losses write into the experience between rollout and update."""
        return {key: entry for loss in self.losses.values() for key, entry in loss.prepared_spec.items()}

    @property
    def acting(self) -> tuple[Loss[Any], ...]:
        """Losses that have a word in rollouts."""
        return tuple(loss for loss in self.losses.values() if loss.acts)

    def reads(self, key: str) -> bool:
        """Whether a loss needs ``key`` of the experience."""
        return any(key in loss.batch_reads for loss in self.losses.values())

    def state(self) -> dict[str, Tensor]:
        """Weights, buffers and rollout state of the losses, by name."""
        found: dict[str, Tensor] = {}
        for name, loss in self.losses.items():
            found |= {f"{name}/state/{key}": value for key, value in loss.state_dict().items()}
            found |= {f"{name}/rollout/{key}": value for key, value in loss.rollout_state().items()}
        return found

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go back to what ``state`` told."""
        for name, loss in self.losses.items():
            loss.load_state_dict(_below(f"{name}/state/", state.items()))
            loss.load_rollout_state(_below(f"{name}/rollout/", state.items()))

    def schedule_state(self) -> dict[str, dict[str, float]]:
        """Averages of the metrics that schedules follow, by loss."""
        return {name: dict(loss.schedules.averages) for name, loss in self.losses.items()}

    def load_schedule_state(self, state: Mapping[str, Mapping[str, float]]) -> None:
        """Go back to what ``schedule_state`` told."""
        for name, averages in state.items():
            self.losses[name].schedules.averages = dict(averages)


def normalize(advantages: Tensor, valid: Tensor, reduce: Callable[[Tensor], Tensor] | None = None) -> Tensor:
    """Mean 0 and standard deviation 1 over the valid steps, of all ranks where ``reduce`` sums over them.

    Two reductions: the sum of squares is taken around the common mean, which loses no digits.

    Shapes: both ``[s, T]``.
    """
    if reduce is None and runs_natively(advantages):
        return normalized(advantages, valid)

    def mean_of(values: Tensor) -> Tensor:
        if reduce is None:
            return masked_mean(values, valid)
        total, count = reduce(torch.stack([torch.where(valid, values, 0.0).sum(), valid.sum().to(values.dtype)]))
        return total / count.clamp(min=1)

    centred = advantages - mean_of(advantages)
    deviation = mean_of(centred.square()).sqrt()
    return centred / (deviation + 1e-8)


def _below(prefix: str, items: Iterable[tuple[str, Tensor]]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in items if key.startswith(prefix)}
