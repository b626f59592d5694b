"""All losses: a line each in ``AnyLossConfig``. Knows no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, cast, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from metta.common.config import Config
from metta.common.suggest import did_you_mean
from metta.rl.loss.action_supervised_config import ActionSupervisedConfig
from metta.rl.loss.contrastive_config import ContrastiveConfig
from metta.rl.loss.dynamics_config import DynamicsConfig
from metta.rl.loss.gradient_ppo_critic_config import GradientPPOCriticConfig
from metta.rl.loss.grpo_config import GRPOConfig
from metta.rl.loss.kickstarter_config import KickstarterConfig
from metta.rl.loss.l2_config import L2Config
from metta.rl.loss.latent_ema_config import LatentEMAConfig
from metta.rl.loss.loss_config import LossConfig
from metta.rl.loss.ppo_actor_config import PPOActorConfig
from metta.rl.loss.ppo_critic_config import PPOCriticConfig
from metta.rl.loss.quantile_ppo_critic_config import QuantilePPOCriticConfig
from metta.rl.loss.stable_latent_config import StableLatentConfig
from metta.rl.loss.vtrace_config import VTraceConfig

AnyLossConfig = Annotated[
    ActionSupervisedConfig
    | ContrastiveConfig
    | DynamicsConfig
    | GradientPPOCriticConfig
    | GRPOConfig
    | KickstarterConfig
    | L2Config
    | LatentEMAConfig
    | PPOActorConfig
    | PPOCriticConfig
    | QuantilePPOCriticConfig
    | StableLatentConfig
    | VTraceConfig,
    Field(discriminator="type"),
]

_ALWAYS = ("ppo_actor", "ppo_critic")
_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


def default_losses() -> dict[str, Any]:
    """The losses of a training that names none."""
    return {"ppo_actor": PPOActorConfig(), "ppo_critic": PPOCriticConfig()}


def loss_types() -> tuple[str, ...]:
    """What a loss's ``type`` may be.

    >>> loss_types()[:2]
    ('action_supervised', 'contrastive')
    """
    union = get_args(AnyLossConfig)[0]
    return tuple(get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(union))


def read_losses(value: Any) -> Any:
    """Losses by name, the two of PPO first unless they stand elsewhere; a loss without type has its name as type."""
    if not isinstance(value, Mapping):
        return value  # pydantic says what it wanted
    given = cast(Mapping[str, Any], value)
    missing = {name: loss for name, loss in default_losses().items() if name not in given}
    losses = {**missing, **given}
    types = loss_types()
    for name, loss in losses.items():
        if _NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} is no name of a loss: expected small letters, digits and _, a letter first")
        if isinstance(loss, Mapping) and "type" not in loss:
            if name not in types:
                raise ValueError(
                    f"{name!r} has no type, and is none.{did_you_mean(name, types)} A loss with a name of its own "
                    f"says what it is: {name}={{type: ..., ...}}, one of {', '.join(types)}"
                )
            losses[name] = {"type": name, **cast(Mapping[str, Any], loss)}
        elif not isinstance(loss, Mapping | Config):
            raise ValueError(f"{name}: expected the settings of a loss, got {loss!r}; to leave it out: enabled: false")
    ordered = (*_ALWAYS, *(name for name in losses if name not in _ALWAYS))
    return {name: losses[name] for name in ordered}


def check_claims(losses: Mapping[str, LossConfig]) -> Mapping[str, LossConfig]:
    """Refuse two losses of different types that both mean to train the actor, or the critic, alone, and none at all."""
    if not any(loss.enabled for loss in losses.values()):
        raise ValueError(f"every loss is switched off. Set trainer.losses.<name>.enabled=true for one of {[*losses]}")
    holders: dict[str, str] = {}
    for name, loss in losses.items():
        for claim in loss.claims if loss.enabled else ():
            holder = holders.setdefault(claim, name)
            if losses[holder].kind != loss.kind:
                raise ValueError(
                    f"{holder!r} and {name!r} are both a training of the {claim}: one of them has to go. "
                    f"Set trainer.losses.{holder}.enabled=false or trainer.losses.{name}.enabled=false"
                )
    return losses


Losses = Annotated[Mapping[str, AnyLossConfig], BeforeValidator(read_losses), AfterValidator(check_claims)]
"""Losses by name, summed by weight in this order."""
