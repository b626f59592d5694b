"""Training control as the design tells it: signals in, wrappers, reports out, and a trainer written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tensordict import TensorDict
from torch import nn

from metta.agent.components.linear import LinearModule
from metta.agent.container import ModularNetwork
from metta.agent.control.exchange import plain
from metta.agent.control.smart_agent import SmartAgent
from metta.agent.wrappers.adaptive_gradient import AdaptiveGradientWrapper
from metta.agent.wrappers.performance_monitoring import PerformanceMonitoringWrapper
from metta.common.errors import ConfigError
from metta.rl.control.phases import Phases
from metta.rl.control.phases_config import PhaseConfig

PHASES: dict[str, dict[str, Any]] = {
    "environment_learning": {"component_lr": {"encoder": 1e-3, "policy": 3e-4, "critic": 1e-4}},
    "policy_optimization": {"component_lr": {"encoder": 1e-4}, "gradient_accumulation": {"policy": 4}},
    "fine_tuning": {"component_lr": {"policy": 1e-4}, "frozen_components": ["encoder"]},
}


class ComponentAwareTrainer:
    """An optimizer for each component; rates, freezing and steps follow what the components report."""

    def __init__(self, network: ModularNetwork) -> None:
        self.network = network
        self.optimizers = {
            name: torch.optim.Adam(component.parameters(), lr=1e-2) for name, component in network.items()
        }

    def training_step(self, observation: torch.Tensor, phase: str) -> TensorDict:
        config = PHASES[phase]
        td = TensorDict({"observation": observation, **{f"_{key}": value for key, value in config.items()}})
        result = self.network(td)
        for name, rate in plain(result.get("_component_lr_actual", {})).items():
            for group in self.optimizers[name].param_groups:
                group["lr"] = rate
        (result["action_logits"].square().mean() + result["values"].square().mean()).backward()
        status = plain(result.get("_component_status", {}))
        accumulation = plain(result.get("_grad_accumulation_status", {}))
        for name, optimizer in self.optimizers.items():
            if status.get(name) == "frozen":
                continue
            if accumulation.get(name, {}).get("should_update", True):
                optimizer.step()
                optimizer.zero_grad()
        return result


def test_a_trainer_by_hand_follows_the_reports() -> None:
    network = ModularNetwork()
    network.add_component("encoder", LinearModule(3, 8, "observation", "features"))
    network.add_component("policy", LinearModule(8, 4, "features", "action_logits"))
    network.add_component("critic", LinearModule(8, 1, "features", "values"))
    trainer, observation = ComponentAwareTrainer(network), torch.randn(6, 3)

    def moved(phase: str) -> set[str]:
        before = {name: [p.detach().clone() for p in part.parameters()] for name, part in network.items()}
        trainer.training_step(observation, phase)
        return {
            name
            for name, part in network.items()
            if not all(torch.equal(a, b) for a, b in zip(before[name], part.parameters(), strict=True))
        }

    assert moved("environment_learning") == {"encoder", "policy", "critic"}
    assert trainer.optimizers["encoder"].param_groups[0]["lr"] == 1e-3
    steps = [moved("policy_optimization") for _ in range(4)]
    assert steps == [{"encoder", "critic"}] * 3 + [{"encoder", "policy", "critic"}]
    assert "encoder" not in moved("fine_tuning")
    assert plain(trainer.training_step(observation, "fine_tuning")["_component_lr_requests"])["policy"] == 1e-4


# --- the other examples: a network of four components, trained by signals --------------------------------------------

OBSERVATION = torch.linspace(-1, 1, 18).reshape(6, 3)


@pytest.fixture
def agent() -> SmartAgent:
    return SmartAgent(make_network())


def make_network() -> ModularNetwork:
    torch.manual_seed(0)
    network = ModularNetwork()
    network.add_component("encoder", LinearModule(3, 8, "observation", "features", activation="relu"))
    for name, key in (("policy", "action_logits"), ("value", "state_value"), ("auxiliary", "prediction")):
        network.add_component(name, LinearModule(8, 4 if name == "policy" else 1, "features", key))
    return network


class SignalTrainer:
    """SGD with a group per component; signals go in with each batch, rates are set as the answers say."""

    def __init__(self, agent: SmartAgent) -> None:
        self.network = agent.network
        self.agent = agent
        groups = [{"name": name, "params": list(part.parameters())} for name, part in agent.network.items()]
        self.optimizer = torch.optim.SGD(groups, lr=1e-2)

    def step(self, signals: Mapping[str, Any], scale: float = 1.0) -> TensorDict:
        """One step; the answers."""
        result = self.agent(TensorDict({"observation": OBSERVATION, **signals}))
        rates = plain(result.get("_component_lr_actual", {}))
        for group in self.optimizer.param_groups:
            group["lr"] = rates.get(group["name"], group["lr"])
        self.optimizer.zero_grad()
        outputs = (result[key] for key in ("action_logits", "state_value", "prediction"))
        loss = torch.stack([output.square().mean() for output in outputs]).sum()
        (scale * loss).backward()
        for wrapper in self.network.wrappers():
            wrapper.after_backward()
        self.optimizer.step()
        return result

    def rates(self) -> dict[str, float]:
        return {group["name"]: group["lr"] for group in self.optimizer.param_groups}

    def norms(self) -> dict[str, float]:
        parts = {name: [p.grad for p in part.parameters() if p.grad is not None] for name, part in self.network.items()}
        return {name: float(nn.utils.get_total_norm(grads)) if grads else 0.0 for name, grads in parts.items()}

    def moved(self, signals: Mapping[str, Any]) -> set[str]:
        """Names of the components that a step with ``signals`` changed."""
        before = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        self.step(signals)
        return {
            k.split(".")[0] for k, tensor in self.network.state_dict().items() if not torch.equal(tensor, before[k])
        }


def adaptive_rates(norms: Mapping[str, float]) -> dict[str, float]:
    """Slower where gradients explode, faster where they vanish."""
    return {name: 1e-5 if norm > 10.0 else 3e-3 if norm < 0.01 else 1e-3 for name, norm in norms.items()}


@pytest.mark.parametrize(("scale", "rate"), [(1e6, 1e-5), (1.0, 1e-3), (1e-6, 3e-3)])
def test_rates_adapt_to_gradient_norms(agent: SmartAgent, scale: float, rate: float) -> None:
    trainer = SignalTrainer(agent)
    for group in trainer.optimizer.param_groups:
        group["lr"] = 0.0  # the first step only measures
    trainer.step({}, scale)
    norms = trainer.norms()
    result = trainer.step({"_component_lr": adaptive_rates(norms), "_gradient_norms": norms}, scale)
    assert plain(result["_component_lr_requests"])["policy"] == rate
    assert trainer.rates()["policy"] == rate
    assert agent.network.signals.gradient_norms["policy"] == pytest.approx(norms["policy"])


curriculum_phases = {
    "warmup": {"encoder": 1e-3, "policy": 1e-4, "value": 1e-4},
    "main_training": {"encoder": 1e-4, "policy": 3e-4, "value": 1e-4},
    "fine_tuning": {"encoder": 1e-5, "policy": 1e-4, "value": 1e-5},
}


def get_learning_rates_for_phase(phase: str, step: int) -> dict[str, float]:
    return {name: rate * 0.99 ** (step % 1000) for name, rate in curriculum_phases[phase].items()}


def test_a_curriculum_of_rates_with_decay_in_each_phase(agent: SmartAgent) -> None:
    trainer = SignalTrainer(agent)
    for phase, step in (("warmup", 0), ("main_training", 1010), ("fine_tuning", 2999)):
        wanted = get_learning_rates_for_phase(phase, step)
        trainer.step({"_component_lr": wanted, "_training_phase": phase, "_step": step})
        assert trainer.rates() == pytest.approx({**wanted, "auxiliary": 1e-2})
        assert (agent.network.signals.training_phase, agent.network.signals.step) == (phase, step)


def test_wrappers_are_switched_by_signals_while_training(agent: SmartAgent) -> None:
    agent.wrap_component("policy", "clipping", {"action_logits": (-(2**-10), 2**-10)})
    agent.wrap_component("encoder", PerformanceMonitoringWrapper).active = False
    trainer = SignalTrainer(agent)
    assert float(trainer.step({})["action_logits"].detach().abs().max()) <= 2**-10
    result = trainer.step(
        {
            "_deactivate_wrappers": {"policy": ["ClippingWrapper"]},
            "_activate_wrappers": {"encoder": ["PerformanceMonitoringWrapper"]},
        }
    )
    assert float(result["action_logits"].detach().abs().max()) > 2**-10
    assert plain(result["_wrapper_status"]) == {
        "encoder": {"PerformanceMonitoringWrapper": "active"},
        "policy": {"ClippingWrapper": "inactive"},
    }
    assert "encoder" in plain(result["_performance_metrics"])
    back = trainer.step({"_activate_wrappers": {"policy": ["ClippingWrapper"]}})
    assert float(back["action_logits"].detach().abs().max()) <= 2**-10


def test_all_signals_at_once_and_all_reports(agent: SmartAgent) -> None:
    agent.wrap_component("encoder", PerformanceMonitoringWrapper)
    agent.wrap_component("policy", "gradient_monitoring").active = False
    signals = {
        "_component_lr": {"encoder": 1e-4, "policy": 3e-4, "value": 1e-5},
        "_frozen_components": ["encoder"],
        "_gradient_accumulation": {"policy": 4},
        "_gradient_clip": {"policy": 1.0},
        "_eval_mode_components": ["auxiliary"],
        "_output_clipping": {"action_logits": (-1.0, 1.0)},
        "_deactivate_wrappers": {"encoder": ["PerformanceMonitoringWrapper"]},
        "_activate_wrappers": {"policy": ["GradientMonitoringWrapper"]},
        "_training_phase": "fine_tuning",
        "_step": 50000,
    }
    trainer = SignalTrainer(agent)
    first = trainer.step(signals)
    assert plain(first["_gradient_statistics"]) == plain(first["_performance_metrics"]) == {}
    assert [trainer.moved(signals) for _ in range(3)] == [{"value", "auxiliary"}] * 2 + [
        {"policy", "value", "auxiliary"}
    ]
    result = trainer.step(signals)
    assert plain(result["_component_lr_actual"]) == {"encoder": 1e-4, "policy": 3e-4, "value": 1e-5}
    assert plain(result["_component_status"])["encoder"] == "frozen"
    assert plain(result["_component_status"])["auxiliary"] == "eval"
    assert plain(result["_wrapper_status"])["encoder"]["PerformanceMonitoringWrapper"] == "inactive"
    assert plain(result["_wrapper_status"])["policy"]["GradientMonitoringWrapper"] == "active"
    assert plain(result["_gradient_statistics"])["policy"]["norm"] > 0
    assert plain(result["_gradient_clip_actual"]) == {"policy": 1.0}
    assert plain(result["_grad_accumulation_status"])["policy"]["every"] == 4
    assert float(result["action_logits"].detach().abs().max()) <= 1.0
    assert agent.network.signals.step == 50000


def test_memory_pressure(agent: SmartAgent) -> None:
    trainer, signals = SignalTrainer(agent), dict[str, Any]()
    for gpu_memory_usage in (0.5, 0.95):
        if gpu_memory_usage > 0.9:
            signals = {"_gradient_accumulation": {"encoder": 3}, "_frozen_components": ["auxiliary"]}
        moved = [trainer.moved(signals) for _ in range(3)]
        if gpu_memory_usage < 0.9:
            assert moved == [{"encoder", "policy", "value", "auxiliary"}] * 3
        else:
            assert moved == [{"policy", "value"}] * 2 + [{"encoder", "policy", "value"}]


def test_a_curriculum_moves_on_with_performance(agent: SmartAgent) -> None:
    trainer = SignalTrainer(agent)
    assert "encoder" not in trainer.moved({"_frozen_components": ["encoder"]})
    for student_performance in (0.5, 0.9):
        signals: dict[str, Any] = {}
        if student_performance > 0.8:
            signals = {
                "_training_phase": "advanced",
                "_unfrozen_components": ["encoder"],
                "_component_lr": {"encoder": 1e-3},
            }
        assert ("encoder" in trainer.moved(signals)) == (student_performance > 0.8)
    assert agent.network.signals.training_phase == "advanced"
    assert trainer.rates()["encoder"] == 1e-3


def test_strategies_are_compared_by_their_signals() -> None:
    strategies: dict[str, dict[str, Any]] = {
        "baseline": {"_component_lr": {"all": 1e-3}},
        "adaptive": {"_gradient_accumulation": {"encoder": 4}, "_component_lr": {"policy": 3e-4}},
        "curriculum": {"_frozen_components": ["encoder"], "_training_phase": "guided"},
    }
    results: dict[str, float] = {}
    for name, signals in strategies.items():
        trainer = SignalTrainer(SmartAgent(make_network()))
        losses = [float(trainer.step(signals)["state_value"].detach().square().mean()) for _ in range(8)]
        assert losses[-1] < losses[0]
        results[name] = losses[-1]
        if name == "baseline":
            assert trainer.rates() == dict.fromkeys(trainer.network, 1e-3)
    assert len(set(results.values())) == 3


def test_an_emergency_is_met_without_new_code(agent: SmartAgent) -> None:
    agent.wrap_component("policy", "clipping", {"action_logits": (-0.1, 0.1)})
    trainer = SignalTrainer(agent)
    trainer.step({"_component_lr": {"all": 1e-2}})
    current_lrs = trainer.rates()
    emergency_config = {
        "_gradient_clip": {"all_components": 0.5},
        "_component_lr": {name: rate * 0.1 for name, rate in current_lrs.items()},
        "_frozen_components": ["auxiliary"],
        "_deactivate_wrappers": {"policy": ["ClippingWrapper"]},
    }
    result = trainer.step(emergency_config, scale=1e4)
    assert plain(result["_gradient_clip_actual"]) == dict.fromkeys(trainer.network, 0.5)
    norms = trainer.norms()
    assert norms.pop("auxiliary") == 0.0
    assert norms == pytest.approx(dict.fromkeys(("encoder", "policy", "value"), 0.5), rel=1e-3)
    assert trainer.rates() == pytest.approx(dict.fromkeys(trainer.network, 1e-3))
    with pytest.raises(ConfigError, match="unstable_component"):
        trainer.step({**emergency_config, "_frozen_components": ["unstable_component"]})


PHASES_BY_FIELD = """
warmup:   {component_lr: {encoder: 1.0e-3, policy: 1.0e-4}, until: {epochs: 1}}
advanced: {component_lr: {encoder: 1.0e-4, policy: 3.0e-4}, frozen_components: [], until: {epochs: 1}}
mastery:  {component_lr: {encoder: 1.0e-5, policy: 1.0e-4}, frozen_components: [encoder]}
"""


@pytest.mark.parametrize("underscore", ["", "_"])
def test_phases_in_yaml_with_and_without_underscore(agent: SmartAgent, underscore: str) -> None:
    text = PHASES_BY_FIELD
    for field in ("component_lr", "frozen_components"):
        text = text.replace(field, underscore + field)
    phases = Phases({name: PhaseConfig.model_validate(entry) for name, entry in yaml.safe_load(text).items()})
    trainer = SignalTrainer(agent)
    seen: list[tuple[str, float, bool]] = []
    for epoch in range(3):
        control = phases.begin(epoch, agent_step=epoch)
        assert control is not None
        moved = trainer.moved(control.signals())
        seen.append((agent.network.signals.training_phase, trainer.rates()["encoder"], "encoder" in moved))
        phases.observe({}, epoch + 1, agent_step=epoch + 1)
    assert seen == [("warmup", 1e-3, True), ("advanced", 1e-4, True), ("mastery", 1e-5, False)]


def test_from_training_to_production(agent: SmartAgent, tmp_path: Path) -> None:
    agent.wrap_component("encoder", PerformanceMonitoringWrapper, {})
    agent.wrap_component("policy", AdaptiveGradientWrapper, {})
    trainer = SignalTrainer(agent)
    for _ in range(3):
        assert trainer.moved({"_component_lr": {"policy": 1e-3}}) == set(trainer.network)
    production_network = agent.get_clean_network()
    torch.save(production_network.state_dict(), tmp_path / "production_model.pt")
    fresh = make_network()
    fresh.load_state_dict(torch.load(tmp_path / "production_model.pt", weights_only=True))
    expected = production_network({"observation": OBSERVATION})["action_logits"]
    assert torch.equal(fresh({"observation": OBSERVATION})["action_logits"], expected)
    assert production_network.wrappers() == []
    assert agent.network.wrappers()
    assert not torch.equal(make_network()({"observation": OBSERVATION})["action_logits"], expected)
