"""Token observations as planes over the window, for policies that reason about cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metta.common.env_spec import GLOBAL_LOCATION, PADDING, EnvSpec
from metta.common.errors import ConfigError

Planes = NDArray[np.uint8]
_NO_PLANE = 255


class TokenWindow:
    """Reads chosen features of a batch of token observations.

    Shapes: ``read([B, K, 3] uint8) -> [B, P, H, W] uint8``, a plane for each of ``features``, 0 where a cell does not
    show it. The first plane is always ``type_id`` **plus one**: 0 is a cell that shows nothing, 1 an agent.

    >>> from metta.mettagrid.config.game import MettaGridConfig
    >>> from metta.mettagrid.spec import env_spec
    >>> TokenWindow(env_spec(MettaGridConfig()), ["agent:frozen"]).index
    {'type_id': 0, 'agent:frozen': 1}

    Raises:
        ConfigError: the spec has no tokens, or lacks a feature.
    """

    def __init__(self, spec: EnvSpec, features: Sequence[str]) -> None:
        names = ["type_id", *features]
        ids = {feature.name: feature.id for feature in spec.features}
        missing = [name for name in names if name not in ids]
        if spec.obs_kind != "tokens" or missing:
            what = f"features {missing}" if spec.obs_kind == "tokens" else "token observations"
            raise ConfigError(f"environment {spec.name!r} lacks {what}; it has {spec.obs_kind} with {[*ids]}.")
        self.height, self.width = spec.window
        self.index = {name: plane for plane, name in enumerate(names)}
        self._plane_of = np.full(256, _NO_PLANE, dtype=np.uint8)
        for name, plane in self.index.items():
            self._plane_of[ids[name]] = plane

    def read(self, observations: NDArray[np.uint8]) -> Planes:
        """The planes of ``observations``."""
        location, feature = observations[..., 0], observations[..., 1]
        plane = self._plane_of[feature]
        used = (location != PADDING) & (location != GLOBAL_LOCATION) & (plane != _NO_PLANE)
        row, token = np.nonzero(used)
        cell: NDArray[Any] = location[row, token].astype(np.intp)
        cell = (cell >> 4) * self.width + (cell & 15)
        of = plane[row, token].astype(np.intp)
        value = observations[row, token, 2]
        planes = np.zeros((observations.shape[0], len(self.index), self.height * self.width), dtype=np.uint8)
        planes[row, of, cell] = value + (of == 0)
        return planes.reshape(-1, len(self.index), self.height, self.width)
