"""Where the number of passes may go."""

from __future__ import annotations

import pytest

from metta.common.errors import ConfigError
from metta.rl.trainer_config import TrainerConfig
from metta.rl.update_epochs_config import UpdateEpochsAutotuneConfig


def test_limits_are_in_order() -> None:
    with pytest.raises(ConfigError, match="min_update_epochs=5 is above max_update_epochs=4"):
        UpdateEpochsAutotuneConfig(min_update_epochs=5, max_update_epochs=4)


def test_it_starts_within_its_limits() -> None:
    with pytest.raises(ConfigError, match=r"update_epochs=9 is where .* starts, but it goes from 1 to 8"):
        TrainerConfig().replace({"update_epochs": 9, "update_epochs_autotune.evaluation_epochs": 5})
    TrainerConfig().replace({"update_epochs": 9})
