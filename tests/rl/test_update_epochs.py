"""How many passes an update makes: early stop, autotune, and their state."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from metta.common.errors import ConfigError
from metta.rl.trainer_config import TrainerConfig
from metta.rl.update_epochs import UpdateEpochs

TUNED = {"update_epochs_autotune.evaluation_epochs": 2, "update_epochs_autotune.warmup_epochs": 1}


def passes(changes: dict[str, Any] | None = None) -> UpdateEpochs:
    return UpdateEpochs(TrainerConfig().replace(changes or {}))


def told(kl: float, clipfrac: float = 0.1) -> dict[str, float]:
    return {"losses/approx_kl": kl, "losses/clipfrac": clipfrac}


def kl_steps(*kls: float) -> list[dict[str, torch.Tensor]]:
    return [{"losses/approx_kl": torch.tensor(kl)} for kl in kls]


def test_off_by_default() -> None:
    rule = passes()
    assert not rule.stops_after(kl_steps(1e9))
    assert rule.finish(3, told(1e9)) == {}
    assert rule.planned == 3


def test_a_pass_above_the_target_is_the_last() -> None:
    rule = passes({"target_kl": 0.02})
    assert not rule.stops_after(kl_steps(0.01, 0.029))
    assert rule.stops_after(kl_steps(0.01, 0.031))
    assert rule.finish(2, told(0.02)) == {"losses/update_epochs": 2.0, "losses/kl_stopped": 1.0}
    assert rule.finish(3, told(0.02)) == {"losses/update_epochs": 3.0, "losses/kl_stopped": 0.0}


def test_ranks_decide_by_their_mean() -> None:
    rule = passes({"target_kl": 0.02})
    rule.mean = lambda tensor: tensor / 2
    assert not rule.stops_after(kl_steps(0.039))


def test_small_changes_bring_more_passes_and_large_ones_fewer() -> None:
    rule = passes({**TUNED, "update_epochs_autotune.cooldown_epochs": 0, "update_epochs_autotune.max_update_epochs": 4})
    rule.finish(3, told(9.0))  # warm-up
    planned = []
    for kl in (0.001, 0.002, 0.001, 0.001, 0.012, 0.019, 0.05, 0.01, 0.001, 0.09):
        rule.finish(rule.planned, told(kl))
        planned.append(rule.planned)
    assert planned == [3, 4, 4, 4, 4, 4, 4, 3, 3, 2]


def test_much_clipping_brings_fewer_passes() -> None:
    rule = passes({**TUNED, "update_epochs_autotune.warmup_epochs": 0, "update_epochs_autotune.evaluation_epochs": 1})
    rule.finish(3, told(0.001, clipfrac=0.4))
    assert rule.planned == 2


def test_after_a_change_some_epochs_are_not_looked_at() -> None:
    rule = passes({"update_epochs_autotune.evaluation_epochs": 1, "update_epochs_autotune.warmup_epochs": 0})
    planned = []
    for _ in range(5):
        rule.finish(rule.planned, told(0.001))
        planned.append(rule.planned)
    assert planned == [4, 4, 4, 5, 5]


def test_a_restored_state_decides_alike() -> None:
    whole, again = passes(TUNED), passes(TUNED)
    for kl in (0.1, 0.1):
        whole.finish(3, told(kl))
    again.load_state_dict(whole.state_dict())
    for rule in (whole, again):
        rule.finish(3, told(0.1))
    assert whole.planned == again.planned == 2
    assert whole.state_dict() == again.state_dict()


def test_without_a_loss_that_tells_the_kl_both_are_refused() -> None:
    with pytest.raises(ConfigError, match="no enabled loss tells approx_kl"):
        passes({"target_kl": 0.1}).stops_after([{"losses/value_loss": torch.tensor(0.0)}])
    with pytest.raises(ConfigError, match="no enabled loss tells approx_kl"):
        passes(TUNED).finish(3, {"losses/value_loss": 0.0})
