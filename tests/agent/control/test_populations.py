"""Populations: what control says about them, on a policy and its saved state."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from metta.agent.control.training_control import TrainingControl
from metta.agent.network_config import NetworkConfig
from metta.agent.policy import Policy, build_policy
from metta.agent.policy_config import NetworkPolicyConfig
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError

NAMES = ["explorers", "collectors", "guardians"]


def head(name: str, populations: list[str], out_key: str) -> dict[str, Any]:
    inner = {"class": "LinearModule", "config": {"out_features": 2}}
    config = {"populations": populations, "inner": inner}
    return {"name": name, "class": "PerPopulation", "config": config, "in_keys": ["env_obs"], "out_keys": [out_key]}


@pytest.fixture
def make(box_spec: EnvSpec) -> Callable[..., Policy]:
    def make(*more: dict[str, Any], num_agents: int = 6, **fields: Any) -> Policy:
        critic = {"name": "critic", "class": "ValueHead", "in_keys": ["env_obs"]}
        network = NetworkConfig.model_validate({"components": [head("policy", NAMES, "logits"), critic, *more]})
        policy = build_policy(
            NetworkPolicyConfig(network=network, **fields), box_spec.replace({"num_agents": num_agents}), seed=1
        )
        for index, name in enumerate(NAMES):
            for parameter in copy_of(policy, name).parameters():
                parameter.data += index
        policy.init_memory(12)
        return policy

    return make


def populations_of(policy: Policy, batch: int = 12, rows: Any = None) -> list[int]:
    td: dict[str, Any] = {"env_obs": torch.randn(batch, 4), "first": torch.zeros(batch, dtype=torch.bool)}
    if rows is not None:
        td["rows"] = rows
    return policy.act(td)["population"].tolist()


def copy_of(policy: Policy, name: str) -> Any:
    component: Any = policy.network["policy"]
    return component.copy_of(name)


def weights(policy: Policy, name: str = "policy") -> dict[str, Tensor]:
    return {key: value.clone() for key, value in policy.network[name].state_dict().items()}


def test_rows_belong_to_populations_by_the_agent_s_place(make: Callable[..., Policy]) -> None:
    policy = make()
    assert populations_of(policy) == [0, 0, 1, 1, 2, 2] * 2  # split evenly
    policy.apply_control(TrainingControl(agent_populations={"guardians": 2, "explorers": 3}))
    assert populations_of(policy) == [0, 0, 0, 2, 2, 2] * 2  # in the network's order, the rest to the last one named
    assert populations_of(policy, 4, slice(4, 8)) == [2, 2, 0, 0]
    assert populations_of(policy, 3, torch.tensor([3, 6, 2])) == [2, 0, 0]
    policy.apply_control(TrainingControl(agent_populations={}))
    assert populations_of(policy, 6) == [0, 0, 1, 1, 2, 2]


def test_what_was_done_is_what_is_learnt(make: Callable[..., Policy]) -> None:
    policy = make()
    td: dict[str, Any] = {"env_obs": torch.randn(12, 4), "first": torch.zeros(12, dtype=torch.bool)}
    done = policy.act(td, generator=torch.Generator().manual_seed(0))
    assert policy.experience_spec["population"] == ((), torch.int64)
    segments = {key: done[key].unsqueeze(1) for key in ("env_obs", "first", "action", "population")}
    again = policy.evaluate(segments)
    torch.testing.assert_close(again["act_log_prob"].squeeze(1), done["act_log_prob"])
    assert policy.values_only(td).shape == (12,)


@pytest.mark.parametrize("executor", ["sequential", "parallel", "memory", "compiled"])
def test_executors_hear_of_sharing(make: Callable[..., Policy], executor: str) -> None:
    policy = make(executor=executor)
    rows = {"env_obs": torch.ones(6, 4), "first": torch.zeros(6, dtype=torch.bool)}
    action = torch.zeros(6, dtype=torch.int64)
    given = {**rows, "action": action, "population": torch.tensor([0, 0, 1, 1, 2, 2])}
    copy_of(policy, "guardians").linear.bias.data += torch.tensor([0.0, 5.0])
    assert len(policy.evaluate(given)["act_log_prob"].unique()) > 1
    policy.apply_control(TrainingControl(parameter_sharing={"all": "all_agents"}))
    assert len(policy.evaluate(given)["act_log_prob"].unique()) == 1
    assert policy.control_report.population_status == {"policy": {"sharing": "all_agents"}}
    policy.apply_control(TrainingControl(parameter_sharing={"policy": "population"}))
    assert len(policy.evaluate(given)["act_log_prob"].unique()) > 1


def test_copies_are_averaged_every_n_epochs(make: Callable[..., Policy]) -> None:
    policy = make()
    policy.apply_control(TrainingControl(sync_frequency={"policy": 2}, agent_populations={"explorers": 4}))
    before = weights(policy)
    policy.after_epoch()
    assert all(torch.equal(value, before[key]) for key, value in weights(policy).items())
    policy.after_epoch()
    for name in NAMES:  # all agents are explorers: four, and the rest
        assert torch.equal(weights(policy)[f"copies.{name}.linear.weight"], before["copies.explorers.linear.weight"])
    policy = make()
    policy.apply_control(TrainingControl(sync_frequency={"policy": 1}, frozen_components=("policy",)))
    policy.after_epoch()
    assert all(torch.equal(value, before[key]) for key, value in weights(policy).items())
    policy.apply_control(TrainingControl(sync_frequency={"policy": 0}, unfrozen_components=("policy",)))
    policy.after_epoch()
    assert policy.control_state()["populations"]["sync"] == {}


def test_a_shared_component_hands_its_first_copy_to_all(make: Callable[..., Policy]) -> None:
    policy = make()
    before = weights(policy)["copies.explorers.linear.bias"]
    policy.apply_control(TrainingControl(sync_frequency={"all": 1}, parameter_sharing={"policy": "all_agents"}))
    policy.after_epoch()
    assert all(torch.equal(weights(policy)[f"copies.{name}.linear.bias"], before) for name in NAMES)


def test_state_comes_back_whole(make: Callable[..., Policy]) -> None:
    one, two = make(), make()
    wanted = TrainingControl(
        agent_populations={"explorers": 1, "collectors": 3, "guardians": 2},
        parameter_sharing={"policy": "all_agents"},
        sync_frequency={"policy": 3},
    )
    one.apply_control(wanted)
    one.after_epoch()
    state = json.loads(json.dumps(one.control_state(), sort_keys=True))
    assert state["populations"]["sync"] == {"policy": [3, 1]}
    two.load_control_state(state, {})
    assert two.control_state() == one.control_state()
    assert populations_of(two, 6) == [0, 1, 1, 1, 2, 2]
    one.network.controller.reset()
    assert one.control_state()["populations"] == {"agents": {}, "shared": [], "sync": {}}
    saved = two.behavior_state()
    one.load_behavior_state(saved)
    assert populations_of(one, 6) == [0, 1, 1, 1, 2, 2]
    assert one.network["policy"].shared
    state["populations"]["shared"] = ["polcy"]
    with pytest.raises(ConfigError, match="Was policy_architecture changed"):
        one.load_control_state(state, {})


def test_what_does_not_fit_is_told_at_once_and_changes_nothing(make: Callable[..., Policy]) -> None:
    policy = make()
    wrong = TrainingControl(
        agent_populations={"explorer": 5, "guardians": 2},
        parameter_sharing={"critic": "all_agents", "polcy": "population"},
        sync_frequency={"critic": 3},
    )
    with pytest.raises(ConfigError) as caught:
        policy.apply_control(wrong)
    for told in (
        "population 'explorer'; there are ['explorers', 'collectors', 'guardians']. Did you mean 'explorers'?",
        "agent_populations has 7 agents; an environment has 6.",
        "parameter_sharing names 'critic', which is no PerPopulation component; there are ['policy'].",
        "parameter_sharing names component 'polcy'",
        "sync_frequency names 'critic', which is no PerPopulation component; there are ['policy'].",
    ):
        assert told in str(caught.value)
    assert populations_of(policy, 6) == [0, 0, 1, 1, 2, 2]


def test_components_must_agree_about_the_populations(make: Callable[..., Policy]) -> None:
    with pytest.raises(ConfigError, match="expected the same names in the same order"):
        make(head("other", NAMES[::-1], "more"))
