"""A rule of one's own needs one method."""

from __future__ import annotations

from metta.agent.control.training_control import TrainingControl
from metta.rl.control.rules.base import EpochView, Rule


class FreezeAtEpoch(Rule[int]):
    name = "freeze_at_epoch"

    def observe(self, view: EpochView) -> TrainingControl | None:
        return TrainingControl(frozen_components=("all",)) if view.epoch == self.config else None


def test_a_rule_of_ones_own() -> None:
    rule = FreezeAtEpoch(2)
    assert rule.determined
    assert [rule.observe(EpochView(epoch)) is not None for epoch in range(4)] == [False, False, True, False]
    rule.load_state_dict(rule.state_dict())
    assert Rule(None).observe(EpochView(0)) is None
