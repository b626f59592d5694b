"""Signals: what a TensorDict says reaches all wrappers of a network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from tensordict import TensorDict

from metta.agent.container import ComponentContainer
from metta.agent.wrappers.signals import Signals


def test_before_anybody_says_anything() -> None:
    signals = Signals()
    assert (signals.training_phase, signals.step, signals.gradient_norms, signals.performance) == (
        "training",
        0,
        {},
        {},
    )


def test_wrappers_hear_what_a_tensordict_says(make_network: Callable[[], ComponentContainer]) -> None:
    network = make_network()
    wrapper = network.wrap_component("policy", "clipping", {"action_logits": (-1, 1)})
    network(
        TensorDict(
            {
                "observation": torch.zeros(2, 3),
                "_training_phase": "finetuning",
                "_step": 50_000,
                "_gradient_norms": {"policy": 12.5},
            }
        )
    )
    heard = wrapper.signals
    assert (heard.training_phase, heard.step, heard.gradient_norms) == ("finetuning", 50_000, {"policy": 12.5})


def test_a_later_call_without_signals_changes_nothing(make_network: Callable[[], ComponentContainer]) -> None:
    network = make_network()
    network({"observation": torch.zeros(2, 3), "_training_phase": "warmup"})
    network({"observation": torch.zeros(2, 3)})
    assert network.signals.training_phase == "warmup"
