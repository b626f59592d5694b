"""What hardly moves learns faster, up to a limit."""

from __future__ import annotations

import json

from metta.rl.control.rules.base import EpochView
from metta.rl.control.rules.rules_config import VanishingGradientsConfig
from metta.rl.control.rules.vanishing_gradients import VanishingGradients

CONFIG = VanishingGradientsConfig(enabled=True, threshold=1e-3, factor=3.0, patience=2, max_factor=5.0)


def run(rule: VanishingGradients, norms: list[float], rate: float = 1.0) -> list[float | None]:
    asked: list[float | None] = []
    for epoch, norm in enumerate(norms):
        control = rule.observe(EpochView(epoch, {"policy": norm}, {"policy": rate}))
        asked.append(None if control is None else (control.component_lr or {})["policy"])
        rate = asked[-1] or rate
    return asked


def test_it_speeds_up_to_its_limit() -> None:
    rule = VanishingGradients(CONFIG)
    assert run(rule, [0, 1, 0, 0, 0, 0, 0, 0]) == [None, None, None, 3.0, None, 5.0, None, None]


def test_state_goes_on_where_it_was() -> None:
    first, second = VanishingGradients(CONFIG), VanishingGradients(CONFIG)
    run(first, [0, 0, 0])
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert run(second, [0], rate=3.0) == [5.0]
