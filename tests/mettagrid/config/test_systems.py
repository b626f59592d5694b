from __future__ import annotations

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.config.game import GameConfig


def test_unknown_system_is_refused() -> None:
    with pytest.raises(ConfigError, match="weather"):
        GameConfig().replace({"systems.weather": {}})
