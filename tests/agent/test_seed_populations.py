"""The design's block about populations, "Configuration-Driven Training", as the phases of a policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from metta.agent.network_config import NetworkConfig
from metta.agent.policy import Policy, build_policy
from metta.agent.policy_config import NetworkPolicyConfig
from metta.common.env_spec import EnvSpec
from metta.rl.control.phases import Phases
from metta.rl.control.phases_config import PhaseConfig

MULTI_AGENT_TRAINING = """
training_phases:
  coordination_learning:
    _component_lr: {shared_encoder: 1e-3, explorer_policy: 1e-4, collector_policy: 1e-4, guardian_policy: 1e-4}
    _frozen_components: []
    _agent_populations: {explorers: 8, collectors: 4, guardians: 2}

  specialization_training:
    _component_lr: {shared_encoder: 1e-4, explorer_policy: 3e-4, collector_policy: 2e-4, guardian_policy: 1e-4}
    _parameter_sharing: {shared_encoder: "all_agents"}
    _gradient_accumulation: {shared_encoder: 4}

  fine_tuning:
    _component_lr: {shared_encoder: 1e-5, explorer_policy: 1e-4, collector_policy: 1e-4, guardian_policy: 1e-4}
    _frozen_components: [shared_encoder]
    _sync_frequency: {explorer_policy: 50, collector_policy: 100, guardian_policy: 200}
"""

NETWORK = """
components:
  - {name: shared_encoder, class: PerPopulation, in_keys: [env_obs], out_keys: [features],
     config: {populations: &names [explorers, collectors, guardians],
              inner: {class: TokenBag, config: {width: 8, numeric_scale: log}}}}
  - {name: explorer_policy, class: PerPopulation, in_keys: [features], out_keys: [explore],
     config: {populations: *names, inner: {class: ActorHead}}}
  - {name: collector_policy, class: PerPopulation, in_keys: [features], out_keys: [collect],
     config: {populations: *names, inner: {class: ActorHead}}}
  - {name: guardian_policy, class: PerPopulation, in_keys: [features], out_keys: [guard],
     config: {populations: *names, inner: {class: ActorHead}}}
  - {name: choose, class: Merge, config: {merge_type: add}, in_keys: [explore, collect, guard], out_keys: [logits]}
  - {name: critic, class: ValueHead, in_keys: [features]}
"""


def copies_of(policy: Policy, name: str) -> list[nn.Module]:
    component: Any = policy.network[name]
    return list(component.copies.values())


def copies(policy: Policy, name: str) -> list[Tensor]:
    return [torch.cat([p.flatten() for p in each.parameters()]) for each in copies_of(policy, name)]


def test_its_phases_are_carried_out(token_spec: EnvSpec, make_tokens: Callable[..., Tensor]) -> None:
    config = NetworkPolicyConfig(network=NetworkConfig.model_validate(yaml.safe_load(NETWORK)))
    policy = build_policy(config, token_spec.replace({"num_agents": 14}), seed=0)
    policy.init_memory(28)
    given: dict[str, Any] = yaml.safe_load(MULTI_AGENT_TRAINING)["training_phases"]
    until = {"until": {"epochs": 1}}
    phases = Phases({name: PhaseConfig.model_validate({**phase, **until}) for name, phase in given.items()})

    def enter(epoch: int) -> Tensor:
        control = phases.begin(epoch, epoch)
        assert control is not None
        policy.apply_control(control)
        phases.observe({}, epoch + 1, epoch + 1)
        td = {"env_obs": make_tokens(28), "first": torch.zeros(28, dtype=torch.bool)}
        return policy.act(td)["population"]

    population = enter(0)
    assert population.tolist() == ([0] * 8 + [1] * 4 + [2] * 2) * 2
    assert policy.control_report.component_lr_actual["shared_encoder"] == 1e-3

    population = enter(1)
    assert population.bincount().tolist() == [10, 10, 8]  # the counts ended with their phase: split evenly
    assert policy.control_report.population_status == {"shared_encoder": {"sharing": "all_agents"}}
    td = {"env_obs": make_tokens(28), "first": torch.zeros(28, dtype=torch.bool), "population": population}
    policy.evaluate({**td, "action": torch.zeros(28, dtype=torch.int64)})["act_log_prob"].sum().backward()
    learns = [next(each.parameters()).grad is not None for each in copies_of(policy, "shared_encoder")]
    assert learns == [True, False, False]  # all agents teach one set of weights

    enter(2)
    report = policy.control_report
    assert report.component_status["shared_encoder"] == "frozen"
    assert {name: part["sync_frequency"] for name, part in report.population_status.items()} == {
        "explorer_policy": 50,
        "collector_policy": 100,
        "guardian_policy": 200,
    }
    for name in given["fine_tuning"]["_sync_frequency"]:
        for index, each in enumerate(copies_of(policy, name)):
            for parameter in each.parameters():
                parameter.data += index
    apart = {name: not torch.equal(*copies(policy, name)[:2]) for name in report.population_status}
    assert all(apart.values())
    for _ in range(100):
        policy.after_epoch()
    equal = {name: all(torch.equal(copies(policy, name)[0], one) for one in copies(policy, name)) for name in apart}
    assert equal == {"explorer_policy": True, "collector_policy": True, "guardian_policy": False}
