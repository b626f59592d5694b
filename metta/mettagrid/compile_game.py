"""From a config to the engine's tables."""

from __future__ import annotations

from typing import Any

from metta.mettagrid import _core
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.spec import env_spec


def compile_game(cfg: MettaGridConfig) -> _core.GameProgram:
    """Compile a game once; environments share the result.

    Raises:
        ConfigError: the engine refuses a value, naming its key.
    """
    data: dict[str, Any] = cfg.game.model_dump(mode="json", exclude={"map"})
    data["map"] = cfg.game.map.native()
    return _core.GameProgram(data, [feature.id for feature in env_spec(cfg).features])
