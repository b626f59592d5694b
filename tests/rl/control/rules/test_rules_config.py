"""Rules are off by default, but for the one that stops."""

from __future__ import annotations

import pytest

from metta.rl.control.rules.registry import RULES, build_rules
from metta.rl.control.rules.rules_config import MemoryPressureConfig, RulesConfig


def test_only_not_a_number_is_on_by_default() -> None:
    assert [rule.name for rule in build_rules(RulesConfig())] == ["not_a_number"]


def test_each_section_has_its_rule() -> None:
    assert list(RULES) == list(RulesConfig.model_fields)


def test_a_rule_that_would_do_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="its control says nothing"):
        MemoryPressureConfig(enabled=True)
