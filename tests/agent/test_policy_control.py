"""Control on a whole policy: what is frozen stays as it is, to the last bit of weights and optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from metta.agent.components.linear import LinearModule
from metta.agent.control.training_control import TrainingControl
from metta.agent.policy import Policy, build_policy
from metta.agent.policy_config import MlpConfig
from metta.agent.wrappers.base import WrapperModule
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError


class PullToZero(WrapperModule):
    """A regulariser: half the squared norm of the weights."""

    def auxiliary_loss(self) -> Tensor | None:
        return 0.5 * torch.stack([parameter.square().sum() for parameter in self.inner.parameters()]).sum()


@pytest.fixture
def policy(box_spec: EnvSpec) -> Policy:
    config = MlpConfig(hidden_sizes=(8,), shared_trunk=True, clip_range=0.3, actor_gain=1.0)
    return build_policy(config, box_spec, seed=0)


@pytest.fixture
def step(policy: Policy) -> Callable[[], None]:
    """One optimizer step with momentum, weight decay, clipping of gradients and of weights."""
    groups = [{"params": group, "name": name} for name, group in policy.component_parameters().items()]
    optimizer = torch.optim.AdamW(groups, lr=0.1, weight_decay=0.5)
    policy.optimizer_for_test = optimizer  # type: ignore[assignment]
    generator = torch.Generator().manual_seed(1)

    def run() -> None:
        td = {
            "env_obs": torch.randn(6, 1, 4, generator=generator),
            "first": torch.zeros(6, 1, dtype=torch.bool),
            "action": torch.zeros(6, 1, dtype=torch.int64),
        }
        out = policy.evaluate(td)
        loss = out["values"].square().mean() - out["act_log_prob"].mean()
        if (auxiliary := policy.auxiliary_loss()) is not None:
            loss = loss + auxiliary
        optimizer.zero_grad(set_to_none=True)
        if loss.requires_grad:
            loss.backward()
        policy.after_backward()
        nn.utils.clip_grad_norm_(policy.parameters(), 0.5)
        optimizer.step()
        policy.after_step()

    return run


def bits(policy: Policy, name: str) -> list[Tensor]:
    """Weights of a component and what the optimizer remembers of them."""
    optimizer: torch.optim.Optimizer = policy.optimizer_for_test  # type: ignore[assignment]
    found: list[Tensor] = []
    for parameter in policy.network[name].parameters():
        state: dict[str, Any] = optimizer.state.get(parameter, {})
        found += [parameter.detach().clone(), *(torch.as_tensor(state[key]).clone() for key in sorted(state))]
    return found


def equal(left: list[Tensor], right: list[Tensor]) -> bool:
    return len(left) == len(right) and all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("name", ["trunk", "actor", "critic"])
def test_frozen_means_no_step_no_decay_no_momentum_no_clipping(
    policy: Policy, step: Callable[[], None], name: str
) -> None:
    """The momentum of earlier steps would move a parameter whose gradient is 0; one whose gradient is None stays."""
    step()
    policy.apply_control(TrainingControl(frozen_components=(name,)))
    with torch.no_grad():
        next(iter(policy.network[name].parameters())).mul_(100)  # far beyond clip_range
    before = {other: bits(policy, other) for other in policy.component_parameters()}
    step()
    step()
    for other, old in before.items():
        assert equal(old, bits(policy, other)) == (other == name), other
    assert all(parameter.grad is None for parameter in policy.network[name].parameters())
    policy.apply_control(TrainingControl(unfrozen_components=(name,)))
    step()
    assert not equal(before[name], bits(policy, name))
    assert next(iter(policy.network[name].parameters())).abs().max() <= 0.3


def test_gradients_flow_through_what_is_frozen(policy: Policy, step: Callable[[], None]) -> None:
    policy.apply_control(TrainingControl(frozen_components=("actor", "critic")))
    before = bits(policy, "trunk")
    step()
    assert not equal(before, bits(policy, "trunk"))


def test_everything_frozen_changes_nothing(policy: Policy, step: Callable[[], None]) -> None:
    policy.apply_control(TrainingControl(frozen_components=("all",)))
    before = {name: bits(policy, name) for name in policy.component_parameters()}
    step()
    assert all(equal(before[name], bits(policy, name)) for name in before)


def test_a_regulariser_does_not_move_what_is_frozen(policy: Policy, step: Callable[[], None]) -> None:
    policy.network.wrap_component("trunk", PullToZero)
    assert policy.auxiliary_loss() is not None
    policy.apply_control(TrainingControl(frozen_components=("trunk",)))
    assert policy.auxiliary_loss() is None
    before = bits(policy, "trunk")
    step()
    assert equal(before, bits(policy, "trunk"))


def test_gradients_that_were_collected_go_when_frozen(policy: Policy, step: Callable[[], None]) -> None:
    """Half a mean would move the component later, from a time before it was frozen."""

    def collected() -> list[str]:
        return [key for key in policy.wrapper_state() if "/grad/" in key]

    policy.apply_control(TrainingControl(gradient_accumulation={"actor": 2}))
    step()  # the first of two is collected
    assert collected()
    policy.apply_control(TrainingControl(frozen_components=("actor",)))
    before = bits(policy, "actor")
    step()
    step()
    assert equal(before, bits(policy, "actor"))
    assert not collected()
    policy.apply_control(TrainingControl(unfrozen_components=("actor",)))
    step()  # the first of two again
    assert equal(before, bits(policy, "actor"))
    step()
    assert not equal(before, bits(policy, "actor"))


def test_shared_weights_have_one_owner_and_frozen_wins(policy: Policy, step: Callable[[], None]) -> None:
    twin = LinearModule(8, 2, "hidden", "twin")
    actor: Any = policy.network["actor"]
    assert twin.linear.weight.shape == actor.linear.weight.shape
    policy.network.add_component("twin", twin)
    twin.linear.weight = actor.linear.weight
    groups = policy.component_parameters()
    assert all(parameter is not twin.linear.weight for parameter in groups["twin"])
    policy.apply_control(TrainingControl(frozen_components=("twin",)))
    before = twin.linear.weight.detach().clone()
    step()
    assert torch.equal(before, twin.linear.weight)


def test_a_control_that_does_not_fit_changes_nothing(policy: Policy) -> None:
    with pytest.raises(ConfigError, match=r"'encoder'; there are \['trunk', 'actor', 'critic'\]"):
        policy.apply_control(TrainingControl(frozen_components=("actor", "encoder")))
    assert policy.control_report.signals() == {}
