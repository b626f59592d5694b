from __future__ import annotations

import pytest

from metta.checkpoint.config import CheckpointerConfig
from metta.common.errors import ConfigError


@pytest.mark.parametrize("bad", [{"epoch_interval": 0}, {"keep_last": 0}, {"keep_best": -1}, {"keep": 1}])
def test_senseless_settings_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        CheckpointerConfig.model_validate(bad)
