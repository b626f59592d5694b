"""One policy update: minibatches of whole segments, losses summed by weight, one optimizer step each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from tensordict import TensorDict
from torch import Tensor, nn

from metta.common.errors import NotANumberError
from metta.rl.context import check_stop
from metta.rl.experience import Experience
from metta.rl.loss.base import Loss, masked_mean
from metta.rl.trainer_config import TrainerConfig

if TYPE_CHECKING:
    from metta.agent.policy import Policy
    from metta.rl.signals import StopFlag

_MSG_NAN = (
    "{what} became NaN or infinite in the update of epoch {epoch}. Likely causes: a learning rate that is too high "
    "(trainer.optimizer.learning_rate={lr}), gradients that are not clipped (trainer.max_grad_norm={clip}), or an "
    "environment that returns such rewards or observations."
)


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
) -> dict[str, float]:
    """``update_epochs`` passes over the experience. Metrics stay on the device until the end: one sync an epoch.

    Returns ``losses/*`` (means over the minibatches) and ``experience/*``.

    Raises:
        StopRequested: a signal came; weights are half-way, the trainer goes back to the epoch's start.
        NotANumberError: names what is not finite, the first in the order data, losses, gradient, weights.
    """
    parameters = [parameter for parameter in policy.parameters() if parameter.requires_grad]
    steps: list[dict[str, Tensor]] = []
    for _ in range(config.update_epochs):
        for minibatch in experience.minibatches(generator):
            check_stop(stop)
            steps.append(_step(policy, losses, optimizer, minibatch, parameters, config))
    metrics = {f"losses/{key}": torch.stack([step[key] for step in steps]).mean() for key in steps[0]}
    metrics |= _experience_metrics(experience)
    metrics["weights"] = nn.utils.get_total_norm(parameters)  # NaN as soon as one weight is
    names = list(metrics)
    numbers = torch.stack([metrics[name].float() for name in names]).tolist()
    result = dict(zip(names, numbers, strict=True))
    if not all(abs(number) < float("inf") for number in numbers):
        raise NotANumberError(
            _MSG_NAN.format(
                what=_name_culprits(experience, result, policy),
                epoch=epoch,
                lr=optimizer.param_groups[0]["lr"],
                clip=config.max_grad_norm,
            )
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
        metrics.update(result.metrics)
    assert total is not None, "build_losses refuses an empty set"
    if (auxiliary := policy.auxiliary_loss()) is not None:
        total = total + auxiliary
        metrics["auxiliary"] = auxiliary.detach()
    optimizer.zero_grad(set_to_none=True)
    total.backward()
    policy.after_backward()
    if config.max_grad_norm > 0:
        norm = nn.utils.clip_grad_norm_(parameters, config.max_grad_norm)
    else:
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    optimizer.step()
    policy.after_step()
    metrics["total"] = total.detach()
    metrics["grad_norm"] = norm.detach()
    return metrics


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
