"""Policies from YAML: what a network must be given and must write, and that artifacts hold the whole of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor

from metta.agent.network_config import NetworkConfig
from metta.agent.policy import Policy, build_policy
from metta.agent.policy_config import NetworkPolicyConfig, PolicyConfig
from metta.checkpoint.manager import CheckpointManager, load_trained
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError
from metta.common.run_dir import RunDir


def small() -> NetworkPolicyConfig:
    """actor_critic with other sizes."""
    base = TypeAdapter[Any](PolicyConfig).validate_python({"type": "network", "network": "actor_critic"})
    return base.replace(
        {"network.components.0.config.width": 8, "network.components.1.config.hidden_sizes": [8], "clip_range": 0.5}
    )


def head(name: str, cls: str, writes: str, **config: Any) -> dict[str, Any]:
    return {"name": name, "class": cls, "config": config, "in_keys": ["env_obs"], "out_keys": [writes]}


def build(components: list[dict[str, Any]], spec: EnvSpec, **rest: Any) -> Policy:
    network = NetworkConfig.model_validate({"components": components, **rest})
    return build_policy(NetworkPolicyConfig(network=network), spec, seed=0)


def test_a_policy_from_yaml_acts_and_is_saved_whole(
    token_spec: EnvSpec, make_tokens: Callable[..., Tensor], tmp_path: Path
) -> None:
    policy = build_policy(small(), token_spec, seed=3)
    assert policy.network.execution_order == ("encoder", "trunk", "policy", "critic")
    td = policy.act({"env_obs": make_tokens(6), "first": torch.zeros(6, dtype=torch.bool)}, greedy=True)
    uri = CheckpointManager(RunDir(tmp_path, "demo").create()).save_policy(policy, epoch=1, agent_step=1)
    again = load_trained(uri, token_spec, torch.device("cpu"))
    assert again.config == policy.config  # the network itself, not the name of a file
    twin = again.act({"env_obs": make_tokens(6), "first": torch.zeros(6, dtype=torch.bool)}, greedy=True)
    assert all(torch.equal(td[key], twin[key]) for key in ("action", "act_log_prob", "values"))


@pytest.mark.parametrize(
    ("components", "rest", "message"),
    [
        ([head("actor", "ActorHead", "logits")], {}, r"nobody writes \['values'\]"),
        (
            [head("a", "LinearModule", "logits", out_features=3), head("c", "ValueHead", "values")],
            {},
            "writes 3 logits, but environment 'cart' has 2 actions",
        ),
        (
            [head("a", "ActorHead", "logits"), head("c", "ValueHead", "values")],
            {"input_shapes": {"observation": [4]}},
            r"has 'observation', but a policy's network is given \['env_obs', 'first', 'population'\]",
        ),
    ],
)
def test_networks_that_are_no_policies(
    components: list[dict[str, Any]], rest: dict[str, Any], message: str, box_spec: EnvSpec
) -> None:
    with pytest.raises(ConfigError, match=message):
        build(components, box_spec, **rest)


def test_shared_parameters_are_in_one_optimizer_group(box_spec: EnvSpec) -> None:
    components = [
        head("one", "LinearModule", "f", out_features=4),
        {**head("two", "LinearModule", "g", out_features=4), "share_with": "one"},
        {**head("actor", "ActorHead", "logits"), "in_keys": ["f"]},
        {**head("critic", "ValueHead", "values"), "in_keys": ["g"]},
    ]
    policy = build(components, box_spec)
    groups = policy.component_parameters()
    assert list(groups) == ["one", "actor", "critic"]
    assert sum(map(len, groups.values())) == len(list(policy.parameters())) == 6
