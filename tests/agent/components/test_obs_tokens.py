"""ObsTokens against a loop over tokens."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.obs_tokens import ObsTokens
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError

OPTIONS: list[dict[str, Any]] = [
    {"coordinates": coordinates, "values": values}
    for coordinates in ("fourier", "learned")
    for values in ("append", "scale", "embed")
]


def make(spec: EnvSpec, **options: Any) -> ObsTokens:
    return ObsTokens(FeatureTable.from_spec(spec), spec.obs_shape[0], 4, num_freqs=2, **options)


def by_hand(module: ObsTokens, spec: EnvSpec, token: list[int]) -> Tensor | None:
    """The vector of one token, straight from the spec; None where it does not count."""
    location, feature_id, value = token
    feature = next((feature for feature in spec.features if feature.id == feature_id), None)
    if feature is None or (feature.scope == "global") != (location == 0xFE):
        return None
    row, column = location >> 4, location & 15
    if feature.scope == "cell" and (row >= spec.window[0] or column >= spec.window[1]):
        return None
    channel = 0  # channels are counted: cell features by id, then global ones, categories one per value
    for other in sorted(spec.features, key=lambda other: (other.scope == "global", other.id)):
        if other is feature:
            break
        channel += other.num_values if other.kind == "categorical" else 1
    if feature.kind == "categorical":
        if value >= feature.num_values:
            return None
        channel, weight = channel + value, 1.0
    else:
        weight = (value - feature.zero_point) / feature.normalization
    x = module.attributes.weight[channel] * (weight if module.values == "scale" else 1)
    if module.amounts is not None and feature.kind == "numeric":
        x = x + module.amounts.weight[value]
    if module.places is not None:
        place = math.prod(spec.window) if location == 0xFE else row * spec.window[1] + column
        return torch.cat([x + module.places.weight[place], *([torch.tensor([weight])] * (module.values == "append"))])
    waves = [0.0] * 8
    if location != 0xFE:
        y, z = 2 * row / (spec.window[0] - 1) - 1, 2 * column / (spec.window[1] - 1) - 1
        phases = [math.pi * y, 2 * math.pi * y, math.pi * z, 2 * math.pi * z]
        waves = [math.sin(phase) for phase in phases] + [math.cos(phase) for phase in phases]
    return torch.cat([x, torch.tensor(waves), *([torch.tensor([weight])] * (module.values == "append"))])


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_equals_a_loop_over_tokens(
    token_spec: EnvSpec, make_tokens: Callable[..., Tensor], options: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    module, obs = make(token_spec, **options), make_tokens(5)
    out = module({"env_obs": obs})
    module.check_outputs({key: out[key] for key in ("tokens", "mask")})
    for n in range(5):
        for k in range(out["tokens"].shape[1]):
            expected = by_hand(module, token_spec, obs[n, k].tolist())
            assert bool(out["mask"][n, k]) == (expected is not None)
            wanted = torch.zeros(module.out_features) if expected is None else expected
            torch.testing.assert_close(out["tokens"][n, k], wanted, atol=1e-5, rtol=1e-5)


def test_padding_is_stripped_to_the_longest(token_spec: EnvSpec, make_tokens: Callable[..., Tensor]) -> None:
    module, obs = make(token_spec), make_tokens(3, 2)
    obs[..., 9:, :] = 0xFF
    obs[1, 1, 8] = torch.tensor([0, 0, 1])
    out = module({"env_obs": obs})
    assert out["tokens"].shape == (3, 2, 9, module.out_features)
    fixed = make(token_spec, length="fixed", max_tokens=12)
    fixed.load_state_dict(module.state_dict())
    whole = fixed({"env_obs": obs})
    assert whole["tokens"].shape == (3, 2, 12, module.out_features)
    assert torch.equal(whole["tokens"][..., :9, :], out["tokens"])
    assert not whole["mask"][..., 9:].any()
    assert not whole["tokens"][..., 9:, :].any()


def test_max_tokens_keeps_the_first(token_spec: EnvSpec, make_tokens: Callable[..., Tensor]) -> None:
    module, short = make(token_spec), make(token_spec, max_tokens=3)
    short.load_state_dict(module.state_dict())
    obs = make_tokens(6)
    torch.testing.assert_close(
        short({"env_obs": obs})["tokens"], module({"env_obs": obs})["tokens"][:, :3], rtol=0, atol=0
    )


def test_an_empty_observation_has_one_masked_token(token_spec: EnvSpec) -> None:
    out = make(token_spec)({"env_obs": torch.full((2, 24, 3), 0xFF, dtype=torch.uint8)})
    assert out["tokens"].shape[:2] == (2, 1)
    assert not out["mask"].any()
    assert not out["tokens"].any()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_gradients_reach_used_rows_only(
    token_spec: EnvSpec, make_tokens: Callable[..., Tensor], options: dict[str, Any]
) -> None:
    module = make(token_spec, **options)
    module({"env_obs": make_tokens(64)})["tokens"].sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad[:-1] != 0).any(), name
        assert (parameter.grad[-1] == 0).all(), name  # the row of unused tokens


def test_tables_are_in_no_checkpoint(token_spec: EnvSpec) -> None:
    assert sorted(make(token_spec).state_dict()) == ["attributes.weight"]


def test_infer_takes_the_environments_tables(token_spec: EnvSpec) -> None:
    arguments = ObsTokens.infer({"embed_dim": 6, "numeric_scale": "log"}, ["env_obs"], {}, token_spec)
    assert ObsTokens(**arguments).out_features == 6 + 24 + 1
    with pytest.raises(ConfigError, match="ObsTokens takes its tables from the environment"):
        ObsTokens.infer({}, ["env_obs"], {}, None)


def test_unknown_options(token_spec: EnvSpec) -> None:
    with pytest.raises(ConfigError, match="coordinates='polar'"):
        make(token_spec, coordinates="polar")
    with pytest.raises(ConfigError, match="max_tokens=0"):
        make(token_spec, max_tokens=0)


def test_the_native_kernel_equals_torch(token_spec: EnvSpec, make_tokens: Callable[..., Tensor]) -> None:
    features = FeatureTable.from_spec(token_spec, "log")
    layers = [ObsTokens(features, token_spec.obs_shape[0], 8, max_tokens=20, native=native) for native in (True, False)]
    layers[1].load_state_dict(layers[0].state_dict())
    obs = make_tokens(5, 90)
    results = []
    for layer in layers:
        out = layer({"env_obs": obs})
        out["tokens"].square().mean().backward()
        assert layer.attributes.weight.grad is not None
        results.append((out["tokens"].detach(), out["mask"], layer.attributes.weight.grad))
    for got, want in zip(*results, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-7)


def test_the_native_kernel_checks_its_tables(token_spec: EnvSpec, make_tokens: Callable[..., Tensor]) -> None:
    layer = ObsTokens(FeatureTable.from_spec(token_spec, "log"), token_spec.obs_shape[0], 8)
    layer.channels = layer.channels + 1
    with pytest.raises(ValueError, match="channels lead to"):
        layer({"env_obs": make_tokens(2)})
