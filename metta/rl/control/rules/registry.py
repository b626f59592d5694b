"""Rules by name: one line each."""

from __future__ import annotations

from typing import Any

from metta.rl.control.rules.base import Rule
from metta.rl.control.rules.exploding_gradients import ExplodingGradients
from metta.rl.control.rules.memory_pressure import MemoryPressure
from metta.rl.control.rules.not_a_number import NotANumber
from metta.rl.control.rules.rules_config import RulesConfig
from metta.rl.control.rules.vanishing_gradients import VanishingGradients

RULES: dict[str, type[Rule[Any]]] = {
    "not_a_number": NotANumber,
    "exploding_gradients": ExplodingGradients,
    "vanishing_gradients": VanishingGradients,
    "memory_pressure": MemoryPressure,
}


def build_rules(config: RulesConfig) -> list[Rule[Any]]:
    """The rules that are enabled, in the order in which they are asked."""
    sections = {name: getattr(config, name) for name in RulesConfig.model_fields}
    return [RULES[name](section) for name, section in sections.items() if section.enabled]
