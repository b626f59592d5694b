from __future__ import annotations

import pytest

from metta.common.errors import ConfigError
from metta.tracking.config import WandbConfig


def test_off_is_the_default_and_only_known_modes_are_taken() -> None:
    assert WandbConfig().mode == "off"
    with pytest.raises(ConfigError, match="offline"):
        WandbConfig.model_validate({"mode": "ofline"})
