"""What explodes learns slower until it is calm."""

from __future__ import annotations

import json

from metta.rl.control.rules.base import EpochView
from metta.rl.control.rules.exploding_gradients import ExplodingGradients
from metta.rl.control.rules.rules_config import ExplodingGradientsConfig

CONFIG = ExplodingGradientsConfig(enabled=True, threshold=10.0, factor=0.1, patience=2, calm_epochs=2)


def run(rule: ExplodingGradients, norms: list[float], rate: float = 1.0) -> list[float | None]:
    """The rate that is asked for after each epoch, which then holds."""
    asked: list[float | None] = []
    for epoch, norm in enumerate(norms):
        control = rule.observe(EpochView(epoch, {"policy": norm, "encoder": 1.0}, {"policy": rate, "encoder": 1.0}))
        wanted = None if control is None else (control.component_lr or {}).get("policy")
        assert control is None or list(control.component_lr or {}) == ["policy"]
        asked.append(wanted)
        rate = rate if wanted is None else wanted
    return asked


def test_it_waits_acts_and_gives_the_rate_back() -> None:
    rule = ExplodingGradients(CONFIG)
    assert run(rule, [20, 5, 20, 20, 5, 5, 5]) == [None, None, None, 0.1, None, 1.0, None]


def test_it_goes_on_while_the_explosion_does() -> None:
    asked = run(ExplodingGradients(CONFIG), [20, 20, 20, 20, 1, 1])
    assert [None if rate is None else round(rate, 6) for rate in asked] == [None, 0.1, None, 0.01, None, 1.0]


def test_state_goes_on_where_it_was() -> None:
    first, second = ExplodingGradients(CONFIG), ExplodingGradients(CONFIG)
    run(first, [20, 20, 5])
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert run(second, [5], rate=0.1) == [1.0]
