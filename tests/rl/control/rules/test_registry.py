"""Rules by name."""

from __future__ import annotations

import json

import pytest

from metta.agent.control.training_control import TrainingControl
from metta.rl.control.rules.registry import RULES, build_rules
from metta.rl.control.rules.rules_config import MemoryPressureConfig, RulesConfig


@pytest.mark.parametrize("name", list(RULES))
def test_every_rule_can_be_switched_on_and_its_state_is_plain(name: str) -> None:
    changes: dict[str, object] = {f"{name}.enabled": True}
    if name == "memory_pressure":
        control = TrainingControl(frozen_components=("encoder",))
        changes = {name: MemoryPressureConfig(enabled=True, control=control)}
    rules = {rule.name: rule for rule in build_rules(RulesConfig().replace(changes))}
    assert type(rules[name]) is RULES[name]
    assert RULES[name].name == name
    state = json.loads(json.dumps(rules[name].state_dict()))
    rules[name].load_state_dict(state)
    assert rules[name].state_dict() == state


def test_a_rule_can_be_switched_off() -> None:
    assert build_rules(RulesConfig().replace({"not_a_number.enabled": False})) == []
