"""Every preset: acting and evaluating agree, memory, masks, clipping, seeds, errors."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from tensordict import TensorDict
from torch import Tensor

from metta.agent.components.token_bag import TokenBag
from metta.agent.container import ComponentContainer
from metta.agent.policies.registry import NETWORKS
from metta.agent.policy import Policy, build_policy
from metta.agent.policy_config import (
    AnyPolicyConfig,
    BagConfig,
    BagLstmConfig,
    CortexConfig,
    FastConfig,
    LstmConfig,
    MambaConfig,
    MemoryFreeConfig,
    MlpConfig,
    TransformerXLConfig,
    VitDefaultConfig,
    VitMediumConfig,
    VitSmallConfig,
    VitTinyConfig,
)
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError, KeyContractError, ShapeContractError

_LATENT: dict[str, Any] = {
    "max_tokens": 12,
    "embed_dim": 4,
    "num_freqs": 2,
    "num_latents": 2,
    "latent_dim": 8,
    "latent_heads": 2,
    "latent_layers": 1,
    "latent_mlp_ratio": 1.0,
    "actor_sizes": (8,),
    "critic_sizes": (6,),
    "actor_gain": 1.0,
}
_CORE: dict[str, Any] = {"core_size": 8, "core_layers": 1}

SMALL: dict[str, AnyPolicyConfig] = {
    "cortex": CortexConfig(
        **_LATENT, **_CORE, pattern="AXMSLC", core_out_size=7, core_heads=2, memory_size=3, conv_kernel=3
    ),
    "lstm": LstmConfig(hidden_sizes=(16,), lstm_size=8, actor_gain=1.0),
    "mamba": MambaConfig(**_LATENT, **_CORE, state_size=4),
    "memory_free": MemoryFreeConfig(**_LATENT),
    "transformer_xl": TransformerXLConfig(**_LATENT, **_CORE, core_heads=2, memory_size=4),
    "vit_default": VitDefaultConfig(**_LATENT, **_CORE),
    "vit_medium": VitMediumConfig(**_LATENT, core_size=8, core_layers=2),
    "vit_small": VitSmallConfig(**_LATENT, **_CORE, core="gru"),
    "vit_tiny": VitTinyConfig(**_LATENT, **_CORE),
    "bag": BagConfig(bag_width=20, hidden_sizes=(16,), actor_gain=1.0),
    "bag_lstm": BagLstmConfig(bag_width=20, hidden_sizes=(16,), lstm_size=8, lstm_layers=2, actor_gain=1.0),
    "fast": FastConfig(
        conv1_channels=6,
        conv1_kernel=3,
        conv1_stride=1,
        conv2_channels=6,
        conv2_kernel=2,
        encoder_size=16,
        lstm_size=8,
        actor_gain=1.0,
    ),
    "mlp": MlpConfig(hidden_sizes=(16, 8), actor_gain=1.0),
}
RECURRENT = sorted(set(SMALL) - {"bag", "mlp", "memory_free"})
MakeTokens = Callable[..., Tensor]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tensors as small as these are computed faster by one thread than handed to several."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_every_preset_is_here() -> None:
    """A network from YAML has tests of its own."""
    assert set(SMALL) | {"network"} == set(NETWORKS)


@pytest.fixture(params=sorted(SMALL))
def preset(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def spec_for(token_spec: EnvSpec, box_spec: EnvSpec) -> Callable[[str], EnvSpec]:
    return lambda preset: box_spec if preset == "mlp" else token_spec


@pytest.fixture
def segments(make_tokens: MakeTokens) -> Callable[..., dict[str, Tensor]]:
    """``segments(spec, s, T)``: observations, masks and episode starts of s rows over T steps."""

    def make(spec: EnvSpec, rows: int, horizon: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(4)
        box = torch.randn(rows, horizon, *spec.obs_shape, generator=generator)
        mask = torch.rand(rows, horizon, spec.num_actions, generator=generator) < 0.6
        mask[..., 0] = True
        first = torch.rand(rows, horizon, generator=generator) < 0.15
        obs = box if spec.obs_kind == "box" else make_tokens(rows, horizon)
        return {"env_obs": obs, "action_mask": mask, "first": first}

    return make


def build(preset: str, spec: EnvSpec, seed: int = 1, **changes: Any) -> Policy:
    return build_policy(SMALL[preset].replace(changes), spec, seed=seed)


def play(policy: Policy, data: dict[str, Tensor]) -> dict[str, Tensor]:
    """Act step by step; returns what was recorded, ``[s, T]``, and the memory before the first step."""
    generator = torch.Generator().manual_seed(9)
    memory = {f"memory/{name}": tensor.clone() for name, tensor in policy.memory.items()}
    steps = []
    for t in range(data["first"].shape[1]):
        td = {key: value[:, t] for key, value in data.items()}
        steps.append(policy.act(td, generator=generator))
    keys = ("action", "act_log_prob", "values")
    return {key: torch.stack([step[key] for step in steps], 1) for key in keys} | memory


def test_evaluating_gives_what_acting_recorded(preset: str, spec_for, segments) -> None:
    spec = spec_for(preset)
    policy, data = build(preset, spec), segments(spec, 6, 12)
    policy.init_memory(6)
    play(policy, segments(spec, 6, 5))  # so that there is something to remember
    record = play(policy, data)
    output = policy.evaluate(data | record)
    torch.testing.assert_close(output["act_log_prob"], record["act_log_prob"], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(output["values"], record["values"], rtol=1e-4, atol=1e-5)
    assert (output["entropy"] >= 0).all()
    assert data["action_mask"].gather(-1, record["action"].unsqueeze(-1)).all()
    sum(value.sum() for value in output.values()).backward()  # pyright: ignore[reportAttributeAccessIssue]
    missing = [name for name, parameter in policy.named_parameters() if parameter.grad is None]
    assert not missing


def test_tensordicts_do_as_well(preset: str, spec_for, segments) -> None:
    spec = spec_for(preset)
    policy, data = build(preset, spec), segments(spec, 4, 5)
    policy.init_memory(4)
    record = play(policy, data)
    batch = data | record
    td = TensorDict({**batch}, batch_size=[4])
    output, expected = policy.evaluate(td), policy.evaluate(batch)
    assert set(td.keys()) == set(batch)
    assert all(torch.equal(output[key], expected[key]) for key in expected)
    step = TensorDict({key: value[:, 0] for key, value in data.items()}, batch_size=[4])
    assert policy.act(step)["action"].shape == (4,)


@pytest.mark.parametrize("rows", [slice(2, 5), torch.tensor([4, 2, 3])])
@pytest.mark.parametrize("name", RECURRENT)
def test_only_the_named_rows_are_remembered(name: str, rows: slice | Tensor, token_spec: EnvSpec, segments) -> None:
    policy, data = build(name, token_spec), segments(token_spec, 3, 1)
    policy.init_memory(6)
    td = {key: value[:, 0] for key, value in data.items()}
    policy.act({**td, "rows": rows})
    touched = {
        row for tensor in policy.memory.values() for row in tensor.flatten(1).any(1).nonzero().flatten().tolist()
    }
    assert touched == {2, 3, 4}


@pytest.mark.parametrize("name", RECURRENT)
def test_first_forgets_and_values_only_does_not_advance(name: str, token_spec: EnvSpec, segments) -> None:
    policy, data = build(name, token_spec), segments(token_spec, 5, 1)
    td = {key: value[:, 0] for key, value in data.items()} | {"first": torch.zeros(5, dtype=torch.bool)}
    policy.init_memory(5)
    fresh = policy.values_only(td)
    policy.act(dict(td))
    before = policy.memory_state()
    later = policy.values_only(td)
    assert all(torch.equal(tensor, before[key]) for key, tensor in policy.memory.items())
    assert not torch.equal(fresh, later)
    restarted = policy.values_only(td | {"first": torch.tensor([True, False, True, False, False])})
    torch.testing.assert_close(restarted, torch.where(torch.tensor([1, 0, 1, 0, 0]).bool(), fresh, later))
    policy.reset_memory(slice(0, 2))
    assert torch.equal(policy.values_only(td)[:2], fresh[:2])
    policy.load_memory_state(before)
    assert torch.equal(policy.values_only(td), later)


def test_memoryless_presets_have_no_memory(token_spec: EnvSpec, box_spec: EnvSpec) -> None:
    for policy in (build("bag", token_spec), build("mlp", box_spec)):
        policy.init_memory(3)
        assert policy.memory_spec == policy.memory == {}
    assert build("bag_lstm", token_spec).memory_spec["lstm_h"] == ((2, 8), torch.float32)


def test_masks_are_obeyed_unless_switched_off(preset: str, spec_for, segments) -> None:
    spec = spec_for(preset)
    td = {key: value[:, 0] for key, value in segments(spec, 64, 1).items()}
    td["action_mask"] = torch.zeros_like(td["action_mask"])
    td["action_mask"][:, -1] = True
    for use_mask in (True, False):
        policy = build(preset, spec, use_action_mask=use_mask)
        policy.init_memory(64)
        action = policy.act(dict(td), generator=torch.Generator().manual_seed(0))["action"]
        assert bool((action == spec.num_actions - 1).all()) is use_mask


def test_greedy_takes_the_likeliest(preset: str, spec_for, segments) -> None:
    spec = spec_for(preset)
    policy = build(preset, spec)
    policy.init_memory(8)
    td = {key: value[:, 0] for key, value in segments(spec, 8, 1).items()}
    one = policy.act(dict(td), greedy=True)
    policy.reset_memory()
    two = policy.act(dict(td), greedy=True, generator=torch.Generator().manual_seed(3))
    assert torch.equal(one["action"], two["action"])


def test_clip_weights_reaches_every_layer(preset: str, spec_for) -> None:
    spec = spec_for(preset)
    layers = (torch.nn.Linear, torch.nn.Conv2d, TokenBag)
    for limit in (0.0, 0.01):
        policy = build(preset, spec, clip_range=limit)
        before = copy.deepcopy(policy.state_dict())
        policy.clip_weights()
        weights = [module.weight for module in policy.modules() if isinstance(module, layers)]
        assert len(weights) >= 3
        largest = [float(weight.detach().abs().max()) for weight in weights]
        if limit:
            assert all(value <= limit + 1e-9 for value in largest)
        else:
            assert all(torch.equal(value, before[key]) for key, value in policy.state_dict().items())


def test_same_seed_same_bytes_and_the_global_generator_is_left_alone(preset: str, spec_for) -> None:
    spec = spec_for(preset)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    one = build(preset, spec, seed=5).state_dict()
    assert torch.equal(torch.rand(3), expected)
    two, three = build(preset, spec, seed=5).state_dict(), build(preset, spec, seed=6).state_dict()
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert any(not torch.equal(one[key], three[key]) for key in one)


def test_parameters_are_grouped_by_component(preset: str, spec_for) -> None:
    policy = build(preset, spec_for(preset))
    groups = policy.component_parameters()
    assert {id(p) for group in groups.values() for p in group} == {id(p) for p in policy.parameters()}
    assert sum(map(len, groups.values())) == len(list(policy.parameters()))
    assert all(key.split(".")[:2] == ["network", key.split(".")[1]] for key in policy.state_dict())
    assert {key.split(".")[1] for key in policy.state_dict()} == set(groups)


def test_every_config_field_reaches_the_policy(preset: str, spec_for, segments) -> None:
    """A field is honoured when changing it changes weights, shapes or behaviour; the rest have tests of their own."""
    tested_elsewhere = {"type", "clip_range", "use_action_mask", "executor"}
    config, spec = SMALL[preset], spec_for(preset)
    if preset == "lstm":  # tokens, so that the scale of numbers matters
        assert spec.obs_kind == "tokens"
    changed = {
        "activation": "gelu",
        "actor_sizes": (9,),
        "core": "lstm" if preset == "vit_small" else "gru",
        "core_heads": 4,
        "core_size": 12,
        "critic_quantiles": 5,
        "critic_sizes": (9,),
        "hidden_sizes": (9,),
        "latent_dim": 12,
        "latent_heads": 4,
        "numeric_scale": "log" if preset in ("bag", "bag_lstm", "fast", "lstm") else "linear",
        "pattern": "AXMSC",
        "post_norm": False,
        "projection": "none",
        "shared_trunk": True,
    }
    data = segments(spec, 3, 5)
    base = fingerprint(build(preset, spec), data)
    for field in set(type(config).model_fields) - tested_elsewhere:
        old = getattr(config, field)
        value = changed.get(field, old + 1 if isinstance(old, int) else None)
        value = old * 2 if value is None else value
        assert fingerprint(build(preset, spec, **{field: value}), data) != base, field


def fingerprint(policy: Policy, data: dict[str, Tensor]) -> tuple[Any, ...]:
    """Weights, shapes, tables, and what the policy makes of ``data``."""
    policy.init_memory(data["first"].shape[0])
    values = [policy.act({key: value[:, t] for key, value in data.items()})["values"].tolist() for t in range(5)]
    weights = {key: (tuple(value.shape), float(value.double().sum())) for key, value in policy.state_dict().items()}
    modules = [getattr(module, "activate", None) for module in policy.modules()]
    tables = [pickle.dumps(module.tables) for module in policy.modules() if isinstance(module, TokenBag)]
    indices = [float(buffer.double().sum()) for _, buffer in policy.named_buffers()]
    return weights, [str(m) for m in modules], tables, indices, values


@pytest.mark.parametrize(("preset", "wanted"), [("bag", "mlp"), ("bag_lstm", "mlp"), ("fast", "mlp"), ("mlp", "bag")])
def test_wrong_observations_name_the_key(preset: str, wanted: str, token_spec: EnvSpec, box_spec: EnvSpec) -> None:
    with pytest.raises(ConfigError, match=rf"Choose policy_architecture={wanted}"):
        build(preset, token_spec if preset == "mlp" else box_spec)


def test_missing_inputs_are_named(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    with pytest.raises(KeyContractError, match=r"reads 'env_obs', which is missing; there are \['obs'\]"):
        build("bag", token_spec).act({"obs": make_tokens(2)})
    policy = build("bag_lstm", token_spec)
    with pytest.raises(ShapeContractError, match=r"Call init_memory\(num_rows\)"):
        policy.act({"env_obs": make_tokens(2), "first": torch.zeros(2, dtype=torch.bool)})
    with pytest.raises(KeyContractError, match=r"reads 'memory/lstm_h'"):
        policy.evaluate({"env_obs": make_tokens(2, 3), "first": torch.zeros(2, 3, dtype=torch.bool)})


def test_a_network_without_heads_is_refused(token_spec: EnvSpec) -> None:
    with pytest.raises(KeyContractError, match=r"nobody produces \['logits', 'values'\]"):
        Policy(BagConfig(), token_spec, ComponentContainer())


def test_observations_of_another_size_are_refused(token_spec: EnvSpec) -> None:
    policy = build("bag", token_spec)
    with pytest.raises(ShapeContractError, match=r"'env_obs' with shape \[..., 24, 3\], got \(2, 24, 4\)"):
        policy.act({"env_obs": torch.zeros(2, 24, 4, dtype=torch.uint8)})


def test_acts_inside_inference_mode(preset: str, spec_for, segments) -> None:
    spec = spec_for(preset)
    policy, data = build(preset, spec), segments(spec, 3, 2)
    policy.init_memory(3)
    with torch.inference_mode():
        inside = play(policy, data)
    policy.reset_memory()
    outside = play(policy, data)
    assert torch.equal(inside["values"], outside["values"])
