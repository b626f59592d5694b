"""Settings of the optimizer: what goes with what."""

from __future__ import annotations

import pytest

from metta.common.errors import ConfigError
from metta.rl.optim_config import OptimizerConfig
from metta.rl.trainer_config import TrainerConfig


@pytest.mark.parametrize(("schedule", "halfway"), [("constant", 1.0), ("linear", 0.55), ("cosine", 0.55)])
def test_learning_rate_schedule(schedule: str, halfway: float) -> None:
    config = OptimizerConfig().replace({"learning_rate": 1.0, "schedule": schedule, "final_fraction": 0.1})
    assert config.learning_rate_at(0.0) == pytest.approx(1.0)
    assert config.learning_rate_at(0.5) == pytest.approx(halfway)
    assert config.learning_rate_at(1.0) == pytest.approx(1.0 if schedule == "constant" else 0.1)
    assert config.learning_rate_at(1.7) == config.learning_rate_at(1.0)


def test_schedule_free_has_no_schedule_unless_one_is_set() -> None:
    chosen = TrainerConfig().replace({"optimizer.type": "adamw_schedulefree"}).optimizer
    assert chosen.schedule == "constant"
    changes = {"optimizer.type": "adamw_schedulefree", "optimizer.schedule": "cosine"}
    assert TrainerConfig().replace(changes).optimizer.schedule == "cosine"
    assert OptimizerConfig().schedule == "linear"


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [("momentum", 0.5, "muon"), ("ns_steps", 3, "muon"), ("warmup_steps", 9, "adamw_schedulefree")],
)
def test_settings_of_another_optimizer_are_refused(key: str, value: float, kind: str) -> None:
    with pytest.raises(ConfigError, match=f"{key}={value} counts with type={kind} only.*trainer.optimizer.type={kind}"):
        TrainerConfig().replace({f"optimizer.{key}": value})
    TrainerConfig().replace({f"optimizer.{key}": value, "optimizer.type": kind})


def test_schedule_free_needs_beta1() -> None:
    with pytest.raises(ConfigError, match=r"Set trainer\.optimizer\.beta1 above 0"):
        OptimizerConfig(type="adamw_schedulefree", beta1=0.0)
