"""SmartAgent and WrapperTracker: thin hands over the container."""

from __future__ import annotations

import pytest
import torch

from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer
from metta.agent.control.smart_agent import SmartAgent
from metta.agent.wrappers.adaptive_gradient import AdaptiveGradientWrapper
from metta.agent.wrappers.performance_monitoring import PerformanceMonitoringWrapper


@pytest.fixture
def agent() -> SmartAgent:
    network = ComponentContainer()
    network.add_component("encoder", LinearModule(3, 8, "observation", "features"))
    network.add_component("policy", LinearModule(8, 4, "features", "action_logits"))
    return SmartAgent(network)


def test_wrapping_is_tracked(agent: SmartAgent) -> None:
    encoder, tracker = agent.network["encoder"], agent.wrapper_tracker
    assert tracker.wrapper_history == {}
    assert tracker.get_original_component("encoder") is None
    agent.wrap_component("encoder", PerformanceMonitoringWrapper, {})
    agent.wrap_component("encoder", AdaptiveGradientWrapper, {}).active = False
    assert tracker.wrapper_history == {"encoder": ["PerformanceMonitoringWrapper", "AdaptiveGradientWrapper"]}
    assert tracker.active_wrappers == {"encoder": {"PerformanceMonitoringWrapper"}}
    assert tracker.get_original_component("encoder") is encoder
    assert agent.unwrap_component("encoder")
    assert not agent.unwrap_component("encoder")
    assert (tracker.wrapper_history, agent.network["encoder"]) == ({}, encoder)


def test_signals_are_carried_out_and_tracked(agent: SmartAgent) -> None:
    result = agent({"observation": torch.zeros(2, 3), "_frozen_components": ["policy"]})
    assert result["_component_status"] == {"policy": "frozen"}
    assert agent.wrapper_tracker.active_wrappers == {"policy": {"NoGradWrapper"}}


def test_the_clean_network_has_the_weights_and_nothing_else(agent: SmartAgent) -> None:
    agent.wrap_component("policy", "clipping", {"action_logits": (-0.001, 0.001)})
    names = list(agent.network.state_dict())
    clean, x = agent.get_clean_network(), torch.randn(4, 3)
    assert list(clean.state_dict()) == names
    assert clean.wrappers() == []
    assert agent({"observation": x})["action_logits"].abs().max() <= 0.0011
    assert clean({"observation": x})["action_logits"].abs().max() > 0.0011
    assert len(agent.get_clean_network(keep=("behaviour",)).wrappers()) == 1
