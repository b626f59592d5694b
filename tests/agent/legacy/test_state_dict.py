"""Older weights in translated networks: a made-up old agent computes the same after its weights moved."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from metta.agent.components.feature_planes import FeatureNormalise, FeaturePlanes
from metta.agent.legacy.state_dict import convert_state_dict, load_legacy_weights
from metta.agent.legacy.translate import translate
from metta.agent.network_config import NetworkConfig
from metta.agent.policy import Policy, build_policy
from metta.agent.policy_config import NetworkPolicyConfig
from metta.common.env_spec import EnvSpec
from metta.common.errors import CheckpointError
from tests.agent.legacy.old_configs import heads, old, small

WIDTH, EMBED, ROWS = 6, 4, 100


def policy_of(tree: dict[str, object], spec: EnvSpec) -> Policy:
    network = NetworkConfig.model_validate(translate(tree).network)
    return build_policy(NetworkPolicyConfig(network=network), spec, seed=1)


def old_weights(spec: EnvSpec) -> dict[str, Tensor]:
    """What an older agent of `small` would have saved, drawn at random."""
    flat = 3 * math.prod((size - 3) // 2 + 1 for size in spec.window)
    generator = torch.Generator().manual_seed(3)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * 0.3

    weights = {
        "cnn._net.0.weight": draw(3, len(spec.features), 3, 3),
        "cnn._net.0.bias": draw(3),
        "norm._net.weight": draw(flat),
        "norm._net.bias": draw(flat),
        "encoder._net.0.weight": draw(WIDTH, flat),
        "encoder._net.0.bias": draw(WIDTH),
        "_value_._net.weight": draw(1, WIDTH),
        "_value_._net.bias": draw(1),
        "actor_1._net.0.weight": draw(5, WIDTH),
        "actor_1._net.0.bias": draw(5),
        "_action_embeds_._net.weight": draw(ROWS, EMBED),
        "_action_.W": draw(1, 5, EMBED),
        "_action_.bias": draw(1),
    }
    for layer in range(2):
        for part in ("weight_ih", "weight_hh"):
            weights[f"_core_._net.{part}_l{layer}"] = draw(4 * WIDTH, WIDTH)
        for part in ("bias_ih", "bias_hh"):
            weights[f"_core_._net.{part}_l{layer}"] = draw(4 * WIDTH)
    return {f"components.{name}": tensor for name, tensor in weights.items()}


def old_agent(spec: EnvSpec, weights: dict[str, Tensor], obs: Tensor) -> tuple[Tensor, Tensor]:
    """The older agent's arithmetic at an episode's first step, written out: logits and values."""
    w = {name.removeprefix("components."): tensor for name, tensor in weights.items()}
    planes = FeaturePlanes(**FeaturePlanes.infer({}, [], {}, spec))
    ranges = FeatureNormalise(**FeatureNormalise.infer({}, [], {}, spec))
    x = ranges({"planes": planes({"env_obs": obs})["planes"]})["normalised"]
    x = functional.conv2d(x, w["cnn._net.0.weight"], w["cnn._net.0.bias"], stride=2).relu().flatten(1)
    x = functional.layer_norm(x, x.shape[1:], w["norm._net.weight"], w["norm._net.bias"])
    x = functional.linear(x, w["encoder._net.0.weight"], w["encoder._net.0.bias"]).tanh()
    lstm = nn.LSTM(WIDTH, WIDTH, 2)
    lstm.load_state_dict({name[12:]: tensor for name, tensor in w.items() if name.startswith("_core_")})
    core = lstm(x[None])[0][0]
    values = functional.linear(core, w["_value_._net.weight"], w["_value_._net.bias"])[:, 0]
    hidden = functional.linear(core, w["actor_1._net.0.weight"], w["actor_1._net.0.bias"]).relu()
    query = torch.einsum("bh,khe->be", hidden, w["_action_.W"]).tanh()
    table = w["_action_embeds_._net.weight"][: spec.num_actions]
    return query @ table.T + w["_action_.bias"], values


@pytest.mark.parametrize("prefix", ["", "policy.", "module.policy._orig_mod."])
def test_an_old_agent_computes_the_same_in_its_new_clothes(
    prefix: str, token_spec: EnvSpec, make_tokens: Callable[..., Tensor]
) -> None:
    policy, old_tensors, obs = policy_of(small(), token_spec), old_weights(token_spec), make_tokens(5)
    renamed = {prefix + name: tensor for name, tensor in old_tensors.items()}
    converted = load_legacy_weights(policy, renamed, translate(small()))
    assert converted.unmatched == ()
    assert converted.missing == ()
    table = {row.old: row for row in converted.table}
    assert table[f"{prefix}components.cnn._net.0.weight"].new == "network.cnn.conv.weight"
    assert table[f"{prefix}components._value_._net.bias"].new == "network._value_.linear.bias"
    rows = table[f"{prefix}components._action_embeds_._net.weight"]
    assert rows.new == "network._action_.table.weight"
    assert "first 5 of 100 rows" in rows.note
    inputs = {"env_obs": obs, "first": torch.ones(5, dtype=torch.bool)}
    memory = {f"memory/{name}": torch.zeros(5, *shape) for name, (shape, _) in policy.memory_spec.items()}
    with torch.no_grad():
        out = policy.network({**inputs, **memory})
        logits, values = old_agent(token_spec, old_tensors, obs)
    torch.testing.assert_close(out["logits"], logits)
    torch.testing.assert_close(out["values"], values)


def test_what_does_not_match_is_named_on_both_sides(token_spec: EnvSpec) -> None:
    policy, weights = policy_of(small(), token_spec), old_weights(token_spec)
    del weights["components.encoder._net.0.bias"]
    weights |= {
        "components.encodr._net.weight": torch.zeros(1),
        "components.cnn._net.0.scale": torch.zeros(1),
        "components.cnn.initial_weights": torch.zeros(1),
        "components.obs_normalizer.factors": torch.zeros(1),
        "components.actor_1._net.0.bias": torch.zeros(7),
        "epoch": torch.zeros(()),
    }
    before = {name: tensor.clone() for name, tensor in policy.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        load_legacy_weights(policy, weights, translate(small()))
    for expected in (
        "components.encodr._net.weight: there is no component 'encodr'",
        "components.cnn._net.0.scale: 'cnn' has no parameter",
        "components.cnn.initial_weights: a copy that followed from the weights",
        "components.obs_normalizer.factors: follows from the environment",
        "components.actor_1._net.0.bias: [7] does not go into network.actor_1.linear.bias [5]",
        "epoch: no components.<name>. in it",
        "network.encoder.linear.bias: no older tensor fits",
    ):
        assert expected in str(caught.value)
    assert all(torch.equal(before[name], tensor) for name, tensor in policy.state_dict().items())
    converted = load_legacy_weights(policy, weights, translate(small()), strict=False)
    assert set(converted.missing) == {"network.encoder.linear.bias", "network.actor_1.linear.bias"}
    assert torch.equal(policy.state_dict()["network.cnn.conv.bias"], weights["components.cnn._net.0.bias"])
    assert "network.encoder.linear.bias" in converted.report()
    assert "components.encodr._net.weight" in converted.report()


def test_the_large_actor_keeps_its_bilinear_forms(token_spec: EnvSpec) -> None:
    actor = old("actor.MettaActorBig", "actor_1", "_action_embeds_", bilinear_output_dim=3, mlp_hidden_dim=7)
    tree = small()
    tree["components"] |= {**heads("encoder"), "_action_": actor}
    network = policy_of(tree, token_spec).network
    weights = {
        "components._action_.W": torch.randn(3, 5, EMBED),
        "components._action_.bias": torch.randn(3),
        "components._action_._MLP.0.weight": torch.randn(7, 3),
        "components._action_._MLP.0.bias": torch.randn(7),
        "components._action_._MLP.2.weight": torch.randn(1, 7),
        "components._action_._MLP.2.bias": torch.randn(1),
    }
    converted = convert_state_dict(weights, translate(tree), network)
    assert converted.unmatched == ()
    assert set(converted.tensors) == {
        f"_action_.{name}.{part}" for name in ("bilinear", "hidden", "out") for part in ("weight", "bias")
    }
