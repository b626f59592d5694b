"""One policy update: minibatches of whole segments, losses summed by weight, one optimizer step each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from tensordict import TensorDict
from torch import Tensor, nn

from metta.rl.context import check_stop
from metta.rl.control.rates import component_norms
from metta.rl.control.rules.not_a_number import NotANumber
from metta.rl.data_parallel import AveragedObjective, first_told, share_metrics
from metta.rl.experience import Experience
from metta.rl.learning_rules import LearningRules
from metta.rl.loss.base import masked_mean
from metta.rl.native_adam import clip_and_step
from metta.rl.objective import Objective
from metta.rl.optim import training_weights
from metta.rl.trainer_config import TrainerConfig
from metta.rl.world import SOLO

if TYPE_CHECKING:
    from metta.rl.signals import StopFlag


def update(
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    experience: Experience,
    config: TrainerConfig,
    *,
    generator: torch.Generator,
    stop: StopFlag,
    epoch: int,
    norms: bool = False,
    rules: LearningRules | None = None,
    progress: float = 0.0,
    averaged: AveragedObjective | None = None,
) -> dict[str, float]:
    """``update_epochs`` passes over the experience, or as many as ``rules`` say. Metrics stay on the device until the
    end: one sync an epoch. ``progress`` is how much of the training is done. ``averaged``: ``objective`` in a training
    of several ranks; gradients and metrics are means over them.

    Returns ``losses/*`` (means over the minibatches) and ``experience/*``, and with ``norms`` the mean norm of each
    component's gradient before global clipping, ``control/<component>/grad_norm``.

    Raises:
        StopRequested: a signal came; weights are half-way, the trainer goes back to the epoch's start.
        NotANumberError: names what is not finite, the first in the order data, losses, gradient, weights.
    """
    rules = LearningRules(config, experience.num_rows) if rules is None else rules
    averaged = averaged or AveragedObjective(objective, SOLO)
    parameters = [parameter for parameter in objective.parameters() if parameter.requires_grad]
    steps: list[dict[str, Tensor]] = []
    passes = 0
    with training_weights(optimizer, objective.policy.frozen_parameters()):
        while passes < rules.passes.planned:
            before = len(steps)
            for minibatch in rules.minibatches(experience, progress, generator):
                check_stop(stop)
                steps.append(_step(averaged, optimizer, minibatch, parameters, config, norms=norms))
            passes += 1
            if passes < rules.passes.planned and rules.passes.stops_after(steps[before:]):
                break
    metrics = {key: torch.stack([step[key] for step in steps]).mean() for key in steps[0]}
    metrics |= _experience_metrics(experience)
    metrics["weights"] = nn.utils.get_total_norm(parameters)  # NaN as soon as one weight is
    names = list(metrics)
    numbers = torch.stack([metrics[name].float() for name in names]).tolist()
    result = share_metrics(averaged.world, dict(zip(names, numbers, strict=True)))
    NotANumber(config.rules.not_a_number).check(
        result,
        lambda: first_told(averaged.world, _name_culprits(experience, result, objective)),
        epoch=epoch,
        lr=optimizer.param_groups[0]["lr"],
        clip=config.max_grad_norm,
    )
    del result["weights"]
    return result | rules.passes.finish(passes, result)


def _step(
    averaged: AveragedObjective,
    optimizer: torch.optim.Optimizer,
    minibatch: TensorDict,
    parameters: list[nn.Parameter],
    config: TrainerConfig,
    *,
    norms: bool,
) -> dict[str, Tensor]:
    objective = averaged.objective
    total, metrics = averaged(minibatch)
    optimizer.zero_grad(set_to_none=True)
    if total.requires_grad:  # not when all components are frozen
        total.backward()
    if norms:
        found = component_norms(objective.policy)
        metrics |= {f"control/{name}/grad_norm": norm.detach() for name, norm in found.items()}
    objective.policy.after_backward()
    norm = clip_and_step(optimizer, parameters, config.max_grad_norm)
    objective.after_step()
    return metrics | {"losses/total": total.detach(), "losses/grad_norm": norm.detach()}


def _experience_metrics(experience: Experience) -> dict[str, Tensor]:
    data = experience.buffer
    valid, values, returns = data["valid"], data["values"], data["returns"]
    residual = returns - values
    spread = masked_mean((returns - masked_mean(returns, valid)).square(), valid)
    unexplained = masked_mean((residual - masked_mean(residual, valid)).square(), valid)
    return {
        "losses/explained_variance": torch.where(spread > 0, 1 - unexplained / spread.clamp(min=1e-12), 0.0),
        "experience/rewards": masked_mean(data["rewards"], valid),
        "experience/values": masked_mean(values, valid),
        "experience/returns": masked_mean(returns, valid),
        "experience/valid": valid.float().mean(),
    }


def _name_culprits(experience: Experience, metrics: Mapping[str, float], objective: Objective) -> str:
    for key in ("rewards", "env_obs", "values", "act_log_prob", "advantages"):
        data = experience.buffer[key]
        if data.is_floating_point() and not bool(data.isfinite().all()):
            bad = int((~data.isfinite()).sum())
            return f"{bad} of {data.numel()} numbers in the rollout's {key!r}"
    bad_metrics = [name for name, number in metrics.items() if not abs(number) < float("inf") and name != "weights"]
    named = (*objective.policy.named_parameters(), *objective.named_own_parameters())
    bad_weights = [name for name, weight in named if not bool(weight.isfinite().all())]
    return ", ".join(bad_metrics) + (f"; weights {', '.join(bad_weights)}" if bad_weights else "")
