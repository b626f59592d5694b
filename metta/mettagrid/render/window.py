"""Draws what one agent sees, from its observation alone: golden playthroughs and a look at line of sight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from metta.common.env_spec import EnvSpec
from metta.mettagrid.read_observation import cell_features
from metta.mettagrid.render.ansi import character

_AGENT_TYPE = 0
_NOTHING = "."


def draw_window(observation: NDArray[Any], spec: EnvSpec, type_names: Mapping[int, str]) -> list[str]:
    """One string a row of the window: ``@`` an agent, map characters for things, ``.`` where nothing is shown.

    Shapes: ``observation [*spec.obs_shape] uint8``.

    >>> import numpy as np
    >>> from metta.mettagrid.config.game import MettaGridConfig
    >>> from metta.mettagrid.spec import env_spec
    >>> spec = env_spec(MettaGridConfig().replace({"game.obs.width": 3, "game.obs.height": 3}))
    >>> draw_window(np.array([[0x11, 0, 0], [0x12, 0, 1]], dtype=np.uint8), spec, {1: "wall"})
    ['...', '.@#', '...']
    """
    height, width = spec.window
    rows = [[_NOTHING] * width for _ in range(height)]
    for (row, column), features in cell_features(observation, spec).items():
        type_id = features.get("type_id")
        if type_id is not None:
            rows[row][column] = "@" if type_id == _AGENT_TYPE else character(type_names[type_id])
    return ["".join(row) for row in rows]
