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
from metta.rl.experience import Experience
from metta.rl.loss.base import Loss, masked_mean
from metta.rl.trainer_config import TrainerConfig

if TYPE_CHECKING:
    from metta.agent.policy import Policy
    from metta.rl.signals import StopFlag


def update(
    policy: Policy,
    losses: Mapping[str, Loss],
    optimizer: torch.optim.Optimizer,
    experience: Experience,
    config: TrainerConfig,
    *,
    generator: torch.Generator,
    stop: StopFlag,
    epoch: int,
    norms: bool = False,
) -> dict[str, float]:
    """``update_epochs`` passes over the experience. Metrics stay on the device until the end: one sync an epoch.

    Returns ``losses/*`` (means over the minibatches) and ``experience/*``, and with ``norms`` the mean norm of each
    component's gradient before global clipping, ``control/<component>/grad_norm``.

    Raises:
        StopRequested: a signal came; weights are half-way, the trainer goes back to the epoch's start.
        NotANumberError: names what is not finite, the first in the order data, losses, gradient, weights.
    """
    parameters = [parameter for parameter in policy.parameters() if parameter.requires_grad]
    steps: list[dict[str, Tensor]] = []
    for _ in range(config.update_epochs):
        for minibatch in experience.minibatches(generator):
            check_stop(stop)
            steps.append(_step(policy, losses, optimizer, minibatch, parameters, config, norms=norms))
    metrics = {key: torch.stack([step[key] for step in steps]).mean() for key in steps[0]}
    metrics |= _experience_metrics(experience)
    metrics["weights"] = nn.utils.get_total_norm(parameters)  # NaN as soon as one weight is
    names = list(metrics)
    numbers = torch.stack([metrics[name].float() for name in names]).tolist()
    result = dict(zip(names, numbers, strict=True))
    NotANumber(config.rules.not_a_number).check(
        result,
        lambda: _name_culprits(experience, result, policy),
        epoch=epoch,
        lr=optimizer.param_groups[0]["lr"],
        clip=config.max_grad_norm,
    )
    del result["weights"]
    return result


def _step(
    policy: Policy,
    losses: Mapping[str, Loss],
    optimizer: torch.optim.Optimizer,
    minibatch: TensorDict,
    parameters: list[nn.Parameter],
    config: TrainerConfig,
    *,
    norms: bool,
) -> dict[str, Tensor]:
    batch = minibatch.copy()  # shallow: the normalised advantages must not end up in the experience
    if config.normalize_advantages:
        batch["advantages"] = normalize(batch["advantages"], batch["valid"])
    output = policy.evaluate(batch)
    total: Tensor | None = None
    metrics: dict[str, Tensor] = {}
    for loss in losses.values():
        result = loss(batch, output)
        weighted = result.loss if loss.weight == 1.0 else loss.weight * result.loss
        total = weighted if total is None else total + weighted
        metrics |= {f"losses/{key}": value for key, value in result.metrics.items()}
    assert total is not None, "build_losses refuses an empty set"
    if (auxiliary := policy.auxiliary_loss()) is not None:
        total = total + auxiliary
        metrics["losses/auxiliary"] = auxiliary.detach()
    optimizer.zero_grad(set_to_none=True)
    if total.requires_grad:  # not when all components are frozen
        total.backward()
    if norms:
        found = component_norms(policy)
        metrics |= {f"control/{name}/grad_norm": norm.detach() for name, norm in found.items()}
    policy.after_backward()
    if config.max_grad_norm > 0:
        norm = nn.utils.clip_grad_norm_(parameters, config.max_grad_norm)
    else:
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    optimizer.step()
    policy.after_step()
    return metrics | {"losses/total": total.detach(), "losses/grad_norm": norm.detach()}


def normalize(advantages: Tensor, valid: Tensor) -> Tensor:
    """Mean 0 and standard deviation 1 over the valid steps.

    Shapes: both ``[s, T]``.
    """
    mean = masked_mean(advantages, valid)
    centred = advantages - mean
    deviation = masked_mean(centred.square(), valid).sqrt()
    return centred / (deviation + 1e-8)


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


def _name_culprits(experience: Experience, metrics: Mapping[str, float], policy: Policy) -> str:
    for key in ("rewards", "env_obs", "values", "act_log_prob", "advantages"):
        data = experience.buffer[key]
        if data.is_floating_point() and not bool(data.isfinite().all()):
            bad = int((~data.isfinite()).sum())
            return f"{bad} of {data.numel()} numbers in the rollout's {key!r}"
    bad_metrics = [name for name, number in metrics.items() if not abs(number) < float("inf") and name != "weights"]
    bad_weights = [name for name, weight in policy.named_parameters() if not bool(weight.isfinite().all())]
    return ", ".join(bad_metrics) + (f"; weights {', '.join(bad_weights)}" if bad_weights else "")
