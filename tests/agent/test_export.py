"""Clean export: same weights, same numbers, no wrapper left."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from safetensors.torch import load_file
from torch import Tensor

from metta.agent import export
from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer
from metta.agent.export import export_network
from metta.agent.policies.registry import NETWORKS
from metta.agent.policy import Policy, build_policy
from metta.agent.policy_config import BagLstmConfig, MlpConfig, PolicyConfig, VitTinyConfig
from metta.agent.wrappers.base import Role
from metta.common.env_spec import EnvSpec
from metta.common.errors import CheckpointError, ConfigError

SMALL = BagLstmConfig(clip_range=0.5)


@pytest.fixture
def wrapped(token_spec: EnvSpec) -> Policy:
    policy = build_policy(SMALL, token_spec, seed=3)
    first, *_, last = policy.network
    for kind in ("no_grad", "performance_monitoring", "safe"):
        policy.network.wrap_component(first, kind)
    policy.network.wrap_component(last, "clipping", {"clip_ranges": {}})
    return policy


def inputs_of(batch: int, make_tokens: Callable[..., Tensor]) -> dict[str, Tensor]:
    memory = {f"memory/lstm_{part}": torch.randn(batch, 1, 128) for part in "hc"}
    return {"env_obs": make_tokens(batch), "first": torch.arange(batch) % 2 == 0, **memory}


def test_weights_and_graph_of_a_wrapped_policy(
    wrapped: Policy, make_tokens: Callable[..., Tensor], tmp_path: Path
) -> None:
    done = export_network(wrapped, tmp_path, ("safetensors", "torch_export"), example=inputs_of(4, make_tokens))
    weights = load_file(done.files["safetensors"])
    for name, tensor in wrapped.network.get_clean_network().state_dict().items():
        assert torch.equal(weights.pop(name), tensor)
    assert weights == {}
    graph = torch.export.load(done.files["torch_export"])
    targets = [str(node.target) for node in graph.graph.nodes if node.op == "call_function"]
    assert targets
    assert all(target.startswith(("aten.", "<built-in function")) for target in targets), targets
    for batch in (1, 7):
        td = inputs_of(batch, make_tokens)
        results = graph.module()(*(td[key] for key in done.inputs))
        with torch.no_grad():
            expected = wrapped.network._compute(td)
        for key, result in zip(done.outputs, results, strict=True):
            torch.testing.assert_close(result, expected[key], rtol=1e-4, atol=1e-5)
    assert done.outputs == ("logits", "values", "next_memory/lstm_h", "next_memory/lstm_c")


def test_the_source_stays_as_it_is(wrapped: Policy, tmp_path: Path) -> None:
    names = [wrapper.kind for wrapper in wrapped.network.wrappers()]
    export_network(wrapped, tmp_path, "safetensors")  # pyright: ignore[reportArgumentType] - a bare string is one
    assert [wrapper.kind for wrapper in wrapped.network.wrappers()] == names
    assert wrapped.training
    assert any(getattr(module, "native", False) for module in wrapped.modules())


def test_the_description_says_what_goes_in_and_out(box_spec: EnvSpec, tmp_path: Path) -> None:
    policy = build_policy(MlpConfig(), box_spec, seed=0)
    export_network(policy, tmp_path, ("torch_export",))
    told = json.loads((tmp_path / "export.json").read_text())
    assert told["inputs"] == [{"key": "env_obs", "shape": ["batch", 4], "dtype": "float32"}]
    assert [(each["key"], each["shape"]) for each in told["outputs"]] == [
        ("logits", ["batch", 2]),
        ("values", ["batch"]),
    ]
    assert told["components"] == list(policy.network.execution_order)
    assert told["largest_difference"]["torch_export"] < 1e-5


def test_onnx_computes_the_same(wrapped: Policy, make_tokens: Callable[..., Tensor], tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")
    pytest.importorskip("onnxscript", reason="the extra `export` is not installed")
    done = export_network(wrapped, tmp_path, ("onnx",), example=inputs_of(4, make_tokens))
    session: Any = onnxruntime.InferenceSession(str(done.files["onnx"]), providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == list(done.inputs)
    assert [each.name for each in session.get_outputs()] == list(done.outputs)
    td = inputs_of(6, make_tokens)
    results = session.run(None, {key: td[key].numpy() for key in done.inputs})
    with torch.no_grad():
        expected = wrapped.network._compute(td)
    for key, result in zip(done.outputs, results, strict=True):
        np.testing.assert_allclose(result, expected[key].numpy(), rtol=1e-4, atol=1e-5)
    assert done.largest_difference["onnx"] < 1e-4


def small_network() -> ComponentContainer:
    network = ComponentContainer()
    network.add_component("encoder", LinearModule(3, 8, "observation", "features"))
    network.add_component("policy", LinearModule(8, 4, "features", "action_logits"))
    network.wrap_component("policy", "clipping", {"action_logits": (-0.01, 0.01)})
    return network


def test_wrappers_that_change_outputs_may_be_kept(tmp_path: Path) -> None:
    network, x = small_network(), torch.randn(5, 3)
    largest: list[float] = []
    keeps: list[tuple[Role, ...]] = [(), ("behaviour",)]
    for keep in keeps:
        done = export_network(network, tmp_path, ("torch_export",), keep=keep)
        assert done.outputs == ("action_logits",)
        (logits,) = torch.export.load(done.files["torch_export"]).module()(x)
        largest.append(float(logits.detach().abs().max()))
    assert largest[1] == pytest.approx(0.01)
    assert largest[0] > 0.02


def test_any_output_can_be_asked_for(tmp_path: Path) -> None:
    done = export_network(small_network(), tmp_path, ("torch_export",), outputs=["features", "action_logits"])
    assert done.outputs == ("features", "action_logits")
    with pytest.raises(ConfigError, match=r"no output 'feature'; the network writes .* Did you mean 'features'"):
        export_network(small_network(), tmp_path, outputs=["feature"])


def test_unknown_formats_and_shapes_are_refused(tmp_path: Path, token_spec: EnvSpec) -> None:
    with pytest.raises(ConfigError, match="no export format 'onx'"):
        export_network(small_network(), tmp_path, ["onx"])  # pyright: ignore[reportArgumentType]
    network = build_policy(SMALL, token_spec, seed=0).network
    with pytest.raises(ConfigError, match=r"input 'env_obs' has shape .* Give export_network an example"):
        export_network(network, tmp_path, ("torch_export",))


def test_without_onnx_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"needs \['onnx', 'onnxscript', 'onnxruntime'\].*metta\[export\]"):
        export_network(small_network(), tmp_path, ("onnx",))


def test_a_graph_that_computes_something_else_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = export._write_torch_export
    monkeypatch.setattr(
        export, "_write_torch_export", lambda *args: lambda inputs: [each + 0.1 for each in write(*args)(inputs)]
    )
    with pytest.raises(CheckpointError, match=r"torch_export: output 'action_logits' of a batch of 1 .* up to 0\.1"):
        export_network(small_network(), tmp_path, ("torch_export",))
    assert not (tmp_path / "network.pt2").exists()


def test_a_policy_that_reads_as_many_tokens_as_are_used(token_spec: EnvSpec, tmp_path: Path) -> None:
    """A graph reads all of them, whatever the batch holds."""
    policy = build_policy(VitTinyConfig(latent_dim=8, core_size=8), token_spec, seed=0)
    done = export_network(policy, tmp_path, ("torch_export",))
    assert done.largest_difference["torch_export"] < 1e-5


SMALL_PRESETS: dict[str, dict[str, Any]] = {
    "bag": {"bag_width": 8, "hidden_sizes": [8]},
    "bag_lstm": {"bag_width": 8, "lstm_size": 8},
    "fast": {"conv1_kernel": 3, "conv1_stride": 1, "encoder_size": 8, "lstm_size": 8},
    "lstm": {"lstm_size": 8},
    "vit_tiny": {},
    "vit_small": {},
    "vit_medium": {},
    "vit_default": {},
    "memory_free": {},
    "mamba": {},
    "transformer_xl": {},
    "cortex": {"pattern": "AX"},
}
WITH_ONNX = {"cortex"}
"""It has what ONNX lacks in training: complex numbers, running maxima, attention over a masked memory."""


def test_all_presets_are_exported() -> None:
    assert NETWORKS.keys() - SMALL_PRESETS.keys() == {"mlp", "network"}, "exported elsewhere in this file"


@pytest.mark.parametrize("preset", SMALL_PRESETS)
def test_graphs_of_every_preset(preset: str, token_spec: EnvSpec, tmp_path: Path) -> None:
    config = TypeAdapter(PolicyConfig).validate_python({"type": preset, **SMALL_PRESETS[preset]})
    formats: tuple[export.Format, ...] = ("torch_export",)
    if preset in WITH_ONNX and importlib.util.find_spec("onnxruntime") is not None:
        formats = ("torch_export", "onnx")
    done = export_network(build_policy(config, token_spec, seed=1), tmp_path, formats)
    assert done.largest_difference.keys() == set(formats)  # each was compared with the network
