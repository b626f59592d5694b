"""Losses come from the config, in its order."""

from __future__ import annotations

import pytest

from metta.common.errors import ConfigError
from metta.rl.loss.loss_config import LossesConfig
from metta.rl.loss.registry import LOSSES, build_losses


def test_every_field_has_a_loss() -> None:
    assert {type(getattr(LossesConfig(), name)) for name in LossesConfig.model_fields} == set(LOSSES)


def test_order_and_weight_follow_the_config() -> None:
    losses = build_losses(LossesConfig().replace({"ppo_critic.weight": 0.25}))
    assert list(losses) == ["ppo_actor", "ppo_critic"]
    assert losses["ppo_critic"].weight == 0.25


def test_disabled_losses_are_left_out() -> None:
    assert list(build_losses(LossesConfig().replace({"ppo_actor.enabled": False}))) == ["ppo_critic"]
    nothing = LossesConfig().replace({"ppo_actor.enabled": False, "ppo_critic.enabled": False})
    with pytest.raises(ConfigError, match=r"trainer\.losses\.<name>\.enabled=true"):
        build_losses(nothing)
