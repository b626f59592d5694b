"""The blocks about wrappers in the first designs that show use, as tests. Names are theirs, with our imports."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load, save
from tensordict import TensorDict
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer, ModularNetwork
from metta.agent.control.smart_agent import SmartAgent
from metta.agent.module import MettaModule, TensorMap
from metta.agent.wrappers.adaptive_gradient import AdaptiveGradientWrapper
from metta.agent.wrappers.base import wrappers_of
from metta.agent.wrappers.clipping import ClippingWrapper
from metta.agent.wrappers.decorators import clipping, normalization
from metta.agent.wrappers.gradient_accumulation import GradientAccumulationWrapper
from metta.agent.wrappers.learning_rate import LearningRateWrapper
from metta.agent.wrappers.memory_optimization import MemoryOptimizationWrapper
from metta.agent.wrappers.no_grad import ActivatableNoGradWrapper, NoGradWrapper
from metta.agent.wrappers.performance_monitoring import PerformanceMonitoringWrapper
from metta.agent.wrappers.registry import wrap
from metta.agent.wrappers.regularized import RegularizedModule
from metta.agent.wrappers.safe import SafeModule
from metta.agent.wrappers.training_phase import TrainingPhaseWrapper
from metta.agent.wrappers.weight_monitoring import WeightMonitoringModule
from metta.common.errors import MettaError

FEATURES = {"features": torch.randn(6, 128, generator=torch.Generator().manual_seed(0))}


@pytest.fixture
def network() -> ModularNetwork:
    torch.manual_seed(0)
    network = ModularNetwork()
    network.add_component("encoder", LinearModule(64, 128, "observation", "state_features", activation="relu"))
    network.add_component("policy", LinearModule(128, 4, "state_features", "action_logits"))
    network.add_component("value", LinearModule(128, 1, "state_features", "state_value"))
    network.add_component("auxiliary", LinearModule(128, 2, "state_features", "auxiliary_out"))
    return network


# --- the enhancement ("Wrapper Patterns", "Decorator Patterns", "Advanced Wrapper Examples") ------------------------


def test_stack_wrappers_for_complex_behavior() -> None:
    policy = LinearModule(128, 4, "features", "action_logits", activation="softmax")
    clipped_policy = ClippingWrapper(policy, {"action_logits": (-1.0, 1.0)})
    assert clipped_policy(TensorDict(FEATURES))["action_logits"].shape == (6, 4)


def test_stack_decorators_for_enhanced_components() -> None:
    @clipping(action_logits=(-1.0, 1.0))
    @normalization("l2")
    def create_enhanced_policy() -> LinearModule:
        return LinearModule(128, 4, "features", "action_logits", activation="softmax")

    policy = create_enhanced_policy()
    out = policy(dict(FEATURES))["action_logits"]
    torch.testing.assert_close(out.norm(dim=-1), torch.ones(6))


def test_adaptive_gradient_clipping() -> None:
    policy = LinearModule(128, 4, "features", "action_logits")
    adaptive_policy = AdaptiveGradientWrapper(policy, component_name="policy")
    td = TensorDict({**FEATURES, "_gradient_norms": {"policy": 10.0}})
    assert adaptive_policy(td)["_adaptive_clip_policy"] == pytest.approx(1.1)


def test_different_behaviors_for_different_training_phases() -> None:
    phase_behaviors = {
        "simple_env": {"exploration_noise": 0.3, "epsilon": 0.8},
        "medium_env": {"exploration_noise": 0.1, "epsilon": 0.4},
        "complex_env": {"exploration_noise": 0.05, "epsilon": 0.1},
        "evaluation": {},
    }
    policy_network = LinearModule(128, 4, "state_features", "action_logits")
    curriculum_policy = TrainingPhaseWrapper(policy_network, phase_behaviors)
    x = FEATURES["features"]
    with torch.no_grad():
        bare = policy_network({"state_features": x})["action_logits"]
        flat: dict[str, float] = {}
        for phase in phase_behaviors:
            td = TensorDict({"state_features": x, "_training_phase": phase})
            logits = curriculum_policy(td)["action_logits"]
            flat[phase] = float(logits.softmax(-1).amax(-1).mean())
            assert torch.equal(logits, bare) == (phase == "evaluation")
    assert flat["simple_env"] < flat["medium_env"] < flat["complex_env"]


STACK = """
- type: performance_monitoring
  config:
    performance_targets: {action_logits: 0.85}
    alert_thresholds: {latency_ms: 50000, memory_mb: 500}
- type: training_phase_aware
  config:
    phase_behaviors:
      pretraining: {input_noise: 0.05, output_dropout: 0.1}
      finetuning: {output_smoothing: 0.95}
      evaluation: {}
- type: adaptive_gradient
  config:
    initial_clip_value: 1.0
    adaptation_rate: 0.1
- type: clipping
  config:
    action_logits: [-5.0, 5.0]
"""


def test_yaml_configuration_for_complex_wrapper_stacks() -> None:
    policy = LinearModule(128, 4, "features", "action_logits", activation="softmax")
    wrapped = wrap(policy, yaml.safe_load(STACK), "policy")
    assert [wrapper.kind for wrapper in wrappers_of(wrapped)] == [
        "clipping",
        "adaptive_gradient",
        "training_phase",
        "performance_monitoring",
    ]
    out = wrapped({**FEATURES, "_training_phase": "pretraining"})
    assert out["_performance_metrics"]["policy"]["calls"] == 1
    assert out["_adaptive_clip_policy"] == 1.0
    assert list(wrapped.state_dict()) == ["linear.weight", "linear.bias"]


# --- the enhancement ("Training Control Wrappers", "Smart Trainer", "Activation", "Full Unwrapping") ----------------


def test_what_single_wrappers_report() -> None:
    td: dict[str, Any] = dict(FEATURES)
    component: MettaModule = LinearModule(128, 4, "features", "action_logits")
    component = NoGradWrapper(component, "policy")
    component = LearningRateWrapper(component, 1e-4, "policy")
    component = GradientAccumulationWrapper(component, 4, "policy")
    result = component(td)
    assert result["_component_status"] == {"policy": "frozen"}
    assert result["_component_lr_actual"] == result["_component_lr_requests"] == {"policy": 1e-4}
    assert not result["action_logits"].requires_grad


def test_activation_flags() -> None:
    frozen = ActivatableNoGradWrapper(LinearModule(128, 4, "features", "action_logits"), "policy", active=True)
    assert frozen(dict(FEATURES))["_component_status"] == {"policy": "frozen"}
    frozen.active = False
    assert frozen(dict(FEATURES))["action_logits"].requires_grad


def test_a_trainer_of_ones_own(network: ModularNetwork) -> None:
    """ComponentAwareTrainer: one optimizer a component, steered by what the components report."""
    agent = SmartAgent(network)
    optimizers = {name: torch.optim.Adam(part.parameters(), lr=1e-3) for name, part in network.items()}
    before = {name: part.linear.weight.detach().clone() for name, part in network.items()}  # pyright: ignore
    moved: list[list[str]] = []
    status: dict[str, str] = {}
    for _ in range(4):
        td = TensorDict(
            {
                "observation": torch.randn(6, 64),
                "_component_lr": {"encoder": 1e-4, "policy": 3e-4, "value": 1e-5},
                "_frozen_components": ["encoder"],
                "_gradient_accumulation": {"policy": 4},
                "_eval_mode_components": ["auxiliary"],
            }
        )
        result = agent(td)
        for name, lr in result["_component_lr_actual"].items():
            for group in optimizers[name].param_groups:
                group["lr"] = lr
        (result["action_logits"].square().mean() + result["state_value"].square().mean()).backward()
        status, accumulation = result["_component_status"], result["_grad_accumulation_status"]
        for name, optimizer in optimizers.items():
            if status.get(name) != "frozen" and accumulation.get(name, {"should_update": True})["should_update"]:
                optimizer.step()
                optimizer.zero_grad()
        moved.append([n for n, part in network.items() if not torch.equal(part.linear.weight, before[n])])  # pyright: ignore
    assert moved == [["value"], ["value"], ["value"], ["policy", "value"]]
    assert status["auxiliary"] == "eval"
    assert [optimizers[name].param_groups[0]["lr"] for name in ("encoder", "policy", "value")] == [1e-4, 3e-4, 1e-5]


def test_runtime_wrapper_control(network: ModularNetwork) -> None:
    agent = SmartAgent(network)
    agent.wrap_component("policy", ClippingWrapper, {"action_logits": (-0.01, 0.01)})
    agent.wrap_component("encoder", PerformanceMonitoringWrapper, {}).active = False
    agent.wrap_component("policy", "GradientMonitoringWrapper").active = False
    debug_td = TensorDict(
        {
            "observation": torch.randn(6, 64),
            "_deactivate_wrappers": {"policy": ["ClippingWrapper"]},
            "_activate_wrappers": {"encoder": ["PerformanceMonitor"], "policy": ["GradientMonitoringWrapper"]},
        }
    )
    result = agent(debug_td)
    assert float(result["action_logits"].detach().abs().max()) > 0.01
    assert result["_wrapper_status"]["policy"] == {
        "GradientMonitoringWrapper": "active",
        "ClippingWrapper": "inactive",
    }
    assert result["_performance_metrics"]["encoder"]["calls"] == 1


def test_production_deployment_workflow(network: ModularNetwork) -> None:
    training_agent = SmartAgent(network)
    training_agent.wrap_component("encoder", PerformanceMonitoringWrapper, {})
    training_agent.wrap_component("policy", AdaptiveGradientWrapper, {})
    training_agent.wrap_component("value", MemoryOptimizationWrapper, {})
    x = torch.randn(6, 64)
    trained = training_agent({"observation": x})
    production_network = training_agent.get_clean_network()
    assert production_network.wrappers() == []
    fresh = production_network_like(network)
    fresh.load_state_dict(load(save(production_network.state_dict())))
    out = fresh({"observation": x})
    assert torch.equal(out["action_logits"], trained["action_logits"])
    assert torch.equal(out["state_value"], trained["state_value"])


def production_network_like(network: ComponentContainer) -> ComponentContainer:
    """The same architecture with other weights."""
    fresh = ComponentContainer()
    for name, part in network.items():
        sizes = part.get_parameter("linear.weight").shape
        activation = "relu" if name == "encoder" else None
        (in_key,), (out_key,) = part.in_keys, part.out_keys  # pyright: ignore
        fresh.add_component(name, LinearModule(sizes[1], sizes[0], str(in_key), str(out_key), activation=activation))
    return fresh


# --- the refactoring proposal ("Wrapper Composability", "Testing Wrapper Patterns") ---------------------------------


class PolicyModule(MettaModule):
    """A mock: actions beyond their bounds."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(["state"], ["policy_action"])
        self.linear = torch.nn.Linear(in_features, out_features)

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {"policy_action": 100 * self.linear(td["state"])}


def test_safe_module() -> None:
    safe_module = SafeModule(PolicyModule(64, 32), action_bounds=(-1.0, 1.0))
    result = safe_module(TensorDict({"state": torch.randn(4, 64)}))
    assert float(result["policy_action"].detach().abs().max()) <= 1.0
    with pytest.raises(MettaError, match="state"):
        safe_module({"state": torch.full((4, 64), torch.nan)})


def test_regularized_module() -> None:
    base_module = LinearModule(5, 3)
    reg_module = RegularizedModule(base_module, l2_scale=0.01)
    result = reg_module({"input": torch.randn(2, 5)})
    assert "regularization_loss" in result
    assert result["regularization_loss"] > 0


def test_composed_wrappers_step_by_step_and_nested() -> None:
    base_policy = PolicyModule(64, 32)
    safe_policy = SafeModule(base_policy, action_bounds=(-1.0, 1.0))
    regularized_safe_policy = RegularizedModule(safe_policy, l2_scale=0.01)
    step_by_step = WeightMonitoringModule(regularized_safe_policy, clip_value=1.0)
    nested = WeightMonitoringModule(
        RegularizedModule(SafeModule(base_policy, action_bounds=(-1.0, 1.0)), l2_scale=0.01), clip_value=1.0
    )
    x = torch.randn(4, 64)
    one, other = step_by_step({"state": x}), nested({"state": x})
    for key in ("policy_action", "regularization_loss"):
        assert torch.equal(one[key], other[key])
    assert one["regularization_loss"] > 0
    assert list(one["_weight_statistics"]) == ["PolicyModule"]
