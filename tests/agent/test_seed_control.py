"""Training control as the design tells it: signals in, wrappers, reports out, and a trainer written by hand."""

from __future__ import annotations

from typing import Any

import torch
from tensordict import TensorDict

from metta.agent.components.linear import LinearModule
from metta.agent.container import ModularNetwork
from metta.agent.control.exchange import plain

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
