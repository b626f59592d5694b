"""Losses by name: what is there by default, what a name without type means, what is refused."""

from __future__ import annotations

from typing import get_args

import pytest

from metta.common.errors import ConfigError
from metta.rl.loss.base import Loss, build_losses
from metta.rl.loss.l2_config import L2Config
from metta.rl.loss.registry import AnyLossConfig
from metta.rl.trainer_config import TrainerConfig

SETTINGS = get_args(get_args(AnyLossConfig)[0])


@pytest.mark.parametrize("config", SETTINGS, ids=lambda config: config.__name__)
def test_every_loss_has_a_type_of_its_own_and_an_implementation(config: type) -> None:
    module, name = config.implementation.split(":")
    assert module.rpartition(".")[2] == config.model_fields["type"].default, "the file has the name of the type"
    found = getattr(__import__(module, fromlist=[name]), name)
    assert issubclass(found, Loss)
    assert found.batch_reads or config is L2Config, "a loss says what it reads of the experience"
    assert "Source" in (found.__doc__ or ""), "formula and paper are in the docstring"


def test_types_are_unique() -> None:
    types = [config.model_fields["type"].default for config in SETTINGS]
    assert len(set(types)) == len(types)


def test_the_two_of_ppo_are_there_unless_disabled() -> None:
    config = TrainerConfig().replace({"losses.ppo_critic.weight": 0.25})
    losses = build_losses(config.losses)
    assert list(losses) == ["ppo_actor", "ppo_critic"]
    assert losses["ppo_critic"].weight == 0.25
    assert list(build_losses(config.replace({"losses.ppo_actor.enabled": False}).losses)) == ["ppo_critic"]
    with pytest.raises(ConfigError, match=r"trainer\.losses\.<name>\.enabled=true"):
        config.replace({"losses.ppo_actor.enabled": False, "losses.ppo_critic.enabled": False})
    with pytest.raises(ConfigError, match=r"trainer\.losses\.<name>\.enabled=true"):
        build_losses({"ppo_actor": config.losses["ppo_actor"].replace({"enabled": False})})


def test_two_instances_of_one_loss() -> None:
    config = TrainerConfig().replace({"losses.second": {"type": "ppo_critic", "weight": 0.5}})
    losses = build_losses(config.losses)
    assert list(losses) == ["ppo_actor", "ppo_critic", "second"]
    assert type(losses["second"]) is type(losses["ppo_critic"])
    assert [loss.weight for loss in losses.values()] == [1.0, 1.0, 0.5]


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ({"second": {"weight": 1}}, r"second=\{type: ..., ...\}, one of action_supervised"),
        ({"vtrase": {"weight": 1}}, "Did you mean 'vtrace'"),
        ({"Second": {"type": "ppo_critic"}}, "no name of a loss"),
        ({"ppo_actor": None}, "enabled: false"),
        ({"ppo_actor": {"weight": -1}}, "greater than or equal to 0"),
        ({"ppo_actor": {"schedules": {"ent_coe": {"points": [[0, 1]]}}}}, "ent_coef"),
        ({"ppo_actor": {"schedules": {"ent_coef": {"points": [[0, -1]]}}}}, "0.0 or more"),
        ({"ppo_actor": {"schedules": {"enabled": {"points": [[0, 1]]}}}}, "no number"),
    ],
)
def test_refused(losses: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        TrainerConfig(losses=losses)  # pyright: ignore[reportArgumentType]
