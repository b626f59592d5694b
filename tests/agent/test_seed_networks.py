"""The blocks about networks in the first designs that show use, as tests. Names are theirs, with our imports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tensordict import TensorDict
from torch import nn

from metta.agent.components.attention import AttentionModule
from metta.agent.components.conv import ConvModule
from metta.agent.components.linear import LinearModule
from metta.agent.components.nn_module import SequentialModule
from metta.agent.container import ComponentContainer, ModularNetwork
from metta.agent.executors.performant import OptimizedExecutionEngine, PerformantExecutor
from metta.agent.inspect.debugger import NetworkDebugger
from metta.agent.inspect.visualizer import NetworkVisualizer
from metta.agent.module import MettaModule
from metta.agent.network_builder import NetworkBuilder
from metta.agent.network_sweep import sweep
from metta.agent.symbols import ShapeVariable
from metta.common.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
ACTOR_CRITIC = """
input_shapes:
  observation: [64]

components:
  - name: state_encoder
    class: LinearModule
    config: {out_features: 128, activation: relu}
    in_keys: [observation]
    out_keys: [state_features]

  - name: policy_head
    class: LinearModule
    config: {out_features: 4, activation: softmax}
    in_keys: [state_features]
    out_keys: [action_logits]

  - name: value_head
    class: LinearModule
    config: {out_features: 1}
    in_keys: [state_features]  # Shared features for critic
    out_keys: [state_value]
"""


def from_yaml() -> ComponentContainer:
    return NetworkBuilder().build_from_config(yaml.safe_load(ACTOR_CRITIC))


@pytest.mark.parametrize("as_dict", [False, True])
def test_first_network(as_dict: bool) -> None:
    network = ModularNetwork()
    network.add_component("encoder", LinearModule(64, 128, "observation", "state_features", activation="relu"))
    network.add_component("policy", LinearModule(128, 4, "state_features", "action_logits", activation="softmax"))
    network.add_component("critic", LinearModule(128, 1, "state_features", "state_value"))
    data = {"observation": torch.randn(4, 64)}
    result = network(data if as_dict else TensorDict(data))
    assert list(result.keys()) == ["observation", "state_features", "action_logits", "state_value"]


def test_configuration_driven_network() -> None:
    network = from_yaml()
    result = network(TensorDict({"observation": torch.randn(4, 64)}))
    assert result["action_logits"].shape == (4, 4)
    torch.testing.assert_close(result["action_logits"].sum(-1), torch.ones(4))
    assert network.get_component("state_encoder").input_shapes == {"observation": (64,)}


def test_keys_that_nobody_writes_are_named() -> None:
    """The first sketch of a config reads keys that nobody writes; both are told at once."""
    config = yaml.safe_load(
        ACTOR_CRITIC.replace("[observation]", "[sensor_data]").replace("[state_features]", "[features]", 2)
    )
    with pytest.raises(ConfigError) as error:
        NetworkBuilder().build_from_config(config)
    assert "'state_encoder': it reads 'sensor_data'" in str(error.value)


def test_hot_swapping() -> None:
    network = from_yaml()
    encoder_architectures: dict[str, Callable[[], MettaModule]] = {
        "linear": lambda: LinearModule(64, 128, "observation", "state_features"),
        "deeper": lambda: SequentialModule(
            [nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU()],
            "observation", "state_features", (64,), (128,),
        ),
    }  # fmt: skip
    head = network.get_component("policy_head")
    seen: list[torch.Tensor] = []
    for create_encoder in encoder_architectures.values():
        network.swap_component("state_encoder", create_encoder())
        seen.append(network({"observation": torch.ones(4, 64)})["action_logits"])
    assert not torch.equal(*seen)
    assert network.get_component("policy_head") is head
    # The sketch's attention keeps the width of its input, which the heads cannot read: said when swapped, not when run.
    with pytest.raises(ValueError, match=r"'state_features'.*\(64,\).*\(128,\)"):
        network.swap_component("state_encoder", AttentionModule(64, 8, "observation", "state_features"))


@pytest.mark.parametrize("encoder_type", ["linear", "transformer", "cnn"])
def test_any_producer_of_features_can_stand_in(encoder_type: str) -> None:
    image = encoder_type == "cnn"
    makers: dict[str, Callable[[], MettaModule]] = {
        "linear": lambda: LinearModule(64, 64, "observation", "features"),
        "transformer": lambda: AttentionModule(64, 8, "observation", "features"),
        "cnn": lambda: ConvModule(3, 64, 3, "observation", "features"),
    }
    network = ModularNetwork()
    network.add_component("encoder", makers[encoder_type]())
    result = network({"observation": torch.randn(4, 3, 8, 8) if image else torch.randn(4, 64)})
    assert result["features"].shape[1] == 64


def test_policy() -> None:
    policy = LinearModule(128, 4, "features", "action_logits")
    assert "action_logits" in policy(TensorDict({"features": torch.randn(4, 128)}))
    assert isinstance(policy, nn.Module)
    assert len(list(policy.parameters())) == 2


def test_multi_head_network() -> None:
    network = ModularNetwork()
    network.add_component("encoder", LinearModule(64, 256, "observation", "state_representation", activation="relu"))
    network.add_component("high_level", LinearModule(256, 8, "state_representation", "subgoal_logits"))
    network.add_component("low_level", LinearModule(264, 4, "augmented_state", "action_logits", activation="softmax"))
    network.add_component("critic", LinearModule(256, 1, "state_representation", "state_value"))
    td = TensorDict({"observation": torch.randn(4, 64), "augmented_state": torch.randn(4, 264)})
    assert {"state_representation", "subgoal_logits", "action_logits", "state_value"} <= set(network(td).keys())


def test_wrappers_in_configurations() -> None:
    config: dict[str, Any] = {
        "components": [
            {
                "name": "policy",
                "class": "LinearModule",
                "config": {"out_features": 4, "activation": "softmax"},
                "wrappers": [
                    {"type": "clipping", "config": {"action_logits": [-1.0, 1.0]}},
                    {"type": "normalization", "config": {"norm_type": "l2"}},
                ],
                "in_keys": ["features"],
                "out_keys": ["action_logits"],
            }
        ]
    }
    with pytest.raises(
        ConfigError, match=r"needs \['in_features'\].*'features'\] is not known: add it to input_shapes"
    ):
        NetworkBuilder().build_from_config(config)
    network = NetworkBuilder().build_from_config({**config, "input_shapes": {"features": [128]}})
    norms = network({"features": torch.randn(5, 128)})["action_logits"].norm(dim=-1)
    torch.testing.assert_close(norms, torch.ones(5))


def test_one_world_three_roles() -> None:
    network = NetworkBuilder().build_from_config("explorers_collectors_guardians")
    td = network({"grid_state": torch.randn(3, 14, 1, 8, 8), "agent_position": torch.randn(3, 14, 2)})
    assert td["env_features"].shape == (3, 14, 128)
    shapes = [tuple(td[key].shape) for key in ("explore_actions", "collect_actions", "guard_actions")]
    assert shapes == [(3, 8, 4), (3, 4, 6), (3, 2, 8)]


def test_execution_engine_and_modes() -> None:
    network = from_yaml()
    td = {"observation": torch.randn(4, 64)}
    result = network(dict(td))
    optimized_network = OptimizedExecutionEngine(network)
    for outputs in (
        optimized_network(dict(td)),
        PerformantExecutor(network, mode="throughput").execute_fast(td),
        PerformantExecutor(network, mode="memory").execute_fast(td),
    ):
        torch.testing.assert_close(outputs["action_logits"], result["action_logits"], rtol=1e-5, atol=1e-6)


def test_symbolic_shapes() -> None:
    batch_size = ShapeVariable("batch", constraints=[(">=", 1)])
    seq_len = ShapeVariable("seq_len", constraints=[("<=", 2048)])
    components = [{"name": "e", "class": "LinearModule", "config": {"out_features": 8}, "in_keys": ["observation"]}]
    config = {"input_shapes": {"observation": (batch_size, seq_len, 512)}, "components": components}
    network = NetworkBuilder().build_from_config(config)
    assert network({"observation": torch.zeros(2, 7, 512)})["output"].shape == (2, 7, 8)


def test_programmable_configurations() -> None:
    @sweep("encoder_size", [64, 128, 256])
    @sweep("learning_rate", [1e-4, 3e-4, 1e-3])
    def create_config(encoder_size: int, learning_rate: float) -> dict[str, Any]:
        wrapper = {"type": "learning_rate", "config": {"learning_rate": learning_rate}}
        encoder = {"name": "encoder", "class": "LinearModule", "config": {"out_features": encoder_size}}
        return {"input_shapes": {"input": [8]}, "components": [{**encoder, "wrappers": [wrapper]}]}

    configs = create_config.generate_all()
    assert len(configs) == 9
    networks = [NetworkBuilder().build_from_config(config) for config in configs]
    assert [network.output_shapes["output"] for network in networks[::3]] == [(64,), (128,), (256,)]


def test_visualizer_and_debugger() -> None:
    network = from_yaml()
    td = {"observation": torch.randn(4, 64)}
    viz = NetworkVisualizer(network)
    assert "state_features" in viz.show_architecture().svg
    assert "[4, 128]" in viz.show_data_flow(td).svg
    debugger = NetworkDebugger(network)
    with debugger.trace_execution():
        network(td)
    assert [step.name for step in debugger.trace.steps] == ["state_encoder", "policy_head", "value_head"]


def test_three_encoders_compared_by_hot_swap() -> None:
    """The long example: trains each a little and prints a table."""
    command = [sys.executable, str(ROOT / "docs/examples/hot_swap_encoders.py"), "--steps", "1536"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=120)
    assert all(name in done.stdout for name in ("bag", "convolutions", "attention"))
    assert "nan" not in done.stdout
