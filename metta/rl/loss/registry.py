"""All losses, a line each: config class -> loss class."""

from __future__ import annotations

from metta.common.errors import ConfigError
from metta.rl.loss.base import Loss
from metta.rl.loss.loss_config import LossConfig, LossesConfig, PPOActorConfig, PPOCriticConfig
from metta.rl.loss.ppo_actor import PPOActorLoss
from metta.rl.loss.ppo_critic import PPOCriticLoss

LOSSES: dict[type[LossConfig], type[Loss]] = {
    PPOActorConfig: PPOActorLoss,
    PPOCriticConfig: PPOCriticLoss,
}


def build_losses(config: LossesConfig) -> dict[str, Loss]:
    """The enabled losses by name, in the order of the config's fields.

    Raises:
        ConfigError: none is enabled.
    """
    configs = {name: getattr(config, name) for name in type(config).model_fields}
    losses = {name: LOSSES[type(cfg)](cfg) for name, cfg in configs.items() if cfg.enabled}
    if not losses:
        raise ConfigError(
            f"every loss is switched off. Set trainer.losses.<name>.enabled=true for one of {[*configs]}."
        )
    return losses
