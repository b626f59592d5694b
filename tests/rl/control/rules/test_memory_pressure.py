"""Once when memory runs short, again only after it was plentiful."""

from __future__ import annotations

from metta.agent.control.training_control import TrainingControl
from metta.rl.control.rules.base import EpochView
from metta.rl.control.rules.memory_pressure import MemoryPressure, memory_in_use
from metta.rl.control.rules.rules_config import MemoryPressureConfig

CONTROL = TrainingControl(frozen_components=("auxiliary",))


def test_it_acts_once_and_is_armed_again_below_the_limit() -> None:
    shares = iter([0.5, 0.85, 0.95, 0.85, 0.75, 0.65, 0.85])
    rule = MemoryPressure(MemoryPressureConfig(enabled=True, limit=0.8, control=CONTROL), lambda: next(shares))
    acted = [rule.observe(EpochView(epoch)) for epoch in range(7)]
    assert acted == [None, CONTROL, None, None, None, None, CONTROL]
    assert not rule.determined, "what the machine measures has to be recorded"


def test_the_machine_says_how_much_is_in_use() -> None:
    assert 0.0 <= memory_in_use() <= 1.0
