"""The pull on weights: its gradient is the weight itself, or its distance from where it began."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.common.errors import ConfigError
from metta.rl.loss.base import LossSetting
from metta.rl.loss.l2 import L2Loss
from metta.rl.loss.l2_config import L2Config
from tests.rl.loss.samples import MakeTrainer, check_training


@pytest.fixture
def mlp(setting: LossSetting) -> LossSetting:
    policy = build_policy(MlpConfig(hidden_sizes=(3,)), setting.policy.spec, seed=0)
    return replace(setting, policy=policy)


@pytest.mark.parametrize("towards", ["zero", "initial"])
@pytest.mark.parametrize("biases", [True, False])
def test_gradient_is_the_distance(mlp: LossSetting, towards: str, biases: bool) -> None:
    loss = L2Loss(L2Config.model_validate({"towards": towards, "biases": biases}), mlp)
    assert not list(loss.parameters()), "the policy's weights are not this loss's"
    first = {name: weight.detach().clone() for name, weight in mlp.policy.named_parameters()}
    with torch.no_grad():
        for weight in mlp.policy.parameters():
            weight.add_(torch.randn_like(weight))
    result = loss({}, {})
    result.loss.backward()
    total = 0.0
    for name, weight in mlp.policy.named_parameters():
        away = weight.detach() - (first[name] if towards == "initial" else 0.0)
        if biases or weight.dim() > 1:
            assert weight.grad is not None
            torch.testing.assert_close(weight.grad, away)
            total += sum(number**2 for number in away.flatten().tolist())
        else:
            assert weight.grad is None
    assert result.loss.item() == pytest.approx(0.5 * total, rel=1e-5)
    assert result.metrics["distance"].item() == pytest.approx(total**0.5, rel=1e-5)


def test_components_by_name(mlp: LossSetting) -> None:
    L2Loss(L2Config(components=("critic",)), mlp)({}, {}).loss.backward()
    for name, group in mlp.policy.component_parameters().items():
        assert (group[0].grad is not None) == (name == "critic")
    with pytest.raises(ConfigError, match=r"losses\.probe\.components has 'critik'.*'critic'"):
        L2Loss(L2Config(components=("critik",)), mlp)


def test_it_pulls_back_and_resumes_to_the_same_bytes(make_trainer: MakeTrainer) -> None:
    losses = {"l2": {"weight": 1.0}, "home": {"type": "l2", "towards": "initial", "weight": 1.0}}
    pulled = check_training(make_trainer, losses)
    assert pulled[-1]["losses/distance"] < pulled[0]["losses/distance"]
    free = check_training(make_trainer, {"home": {"type": "l2", "towards": "initial", "weight": 0.0}})
    assert 0 < free[0]["losses/home/distance"] < free[-1]["losses/home/distance"]
