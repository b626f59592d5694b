"""What an environment shows to a policy: observation layout, feature table, actions. Knows no torch."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from pydantic import Field

from metta.common.config import Config

GLOBAL_LOCATION = 0xFE
"""Location byte of a token that belongs to no cell (DECISIONS: global tokens have location 0xFE)."""
PADDING = 0xFF
"""Every byte of an unused token."""


class FeatureSpec(Config):
    """One token feature. ``id`` is the token's middle byte."""

    id: int = Field(ge=0, le=254)
    name: str
    kind: Literal["numeric", "categorical"]
    scope: Literal["cell", "global"]
    normalization: float = Field(default=1.0, gt=0, description="numeric values are divided by this")
    zero_point: float = Field(default=0.0, description="numeric: the value that stands for zero")
    num_values: int = Field(default=0, ge=0, le=256, description="categorical: values are 0 .. num_values - 1")


class EnvSpec(Config):
    """Observation layout, feature table and actions of an environment; saved inside each policy artifact.

    Shapes: one agent's observation is ``obs_shape`` of dtype ``obs_dtype``: tokens are ``[K, 3] uint8`` =
    (location = row << 4 | column, feature id, value), padded with 0xFF. A box with ``channels`` is ``[C, H, W] uint8``,
    a plane each: ``agent`` (1 where an agent stands), then one per feature in the order of ``features``; other boxes
    have no feature table. ``state_shape`` is the global state of one environment, empty where there is none.
    """

    name: str
    obs_kind: Literal["tokens", "box"]
    obs_shape: tuple[int, ...]
    obs_dtype: Literal["uint8", "float32"]
    window: tuple[int, int] = Field(default=(0, 0), description="(height, width) of the token window, in cells")
    features: tuple[FeatureSpec, ...] = ()
    channels: tuple[str, ...] = Field(default=(), description="names of a box's planes; empty for other observations")
    state_shape: tuple[int, ...] = Field(
        default=(), description="(channels, map height, map width) of the global state"
    )
    state_channels: tuple[str, ...] = Field(default=(), description="names of the global state's planes")
    action_names: tuple[str, ...] = Field(min_length=1)
    num_agents: int = Field(ge=1, description="agents in one environment")

    @property
    def num_actions(self) -> int:
        return len(self.action_names)

    def digest(self) -> str:
        """SHA-256 over the canonical JSON of everything that a policy depends on to act.

        That is not ``name``, nor ``num_agents``, nor the global state, which only a critic reads. ``channels`` counts
        where there are any: specs from before there were boxes keep their digest.
        """
        data = self.model_dump(mode="json", exclude={"name", "num_agents", "state_shape", "state_channels"})
        if not self.channels:
            del data["channels"]
        return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def differences(self, other: EnvSpec) -> list[str]:
        """Readable differences that keep a policy made for ``self`` from acting on ``other``; empty when it fits."""
        found: list[str] = []
        for key in ("obs_kind", "obs_shape", "obs_dtype", "window", "channels", "action_names"):
            mine, theirs = getattr(self, key), getattr(other, key)
            if mine != theirs:
                found.append(f"{key}: policy has {mine}, environment has {theirs}")
        mine_by_name = {feature.name: feature for feature in self.features}
        theirs_by_name = {feature.name: feature for feature in other.features}
        for name in sorted(mine_by_name.keys() | theirs_by_name.keys()):
            if mine_by_name.get(name) != theirs_by_name.get(name):
                found.append(
                    f"feature {name!r}: policy has {mine_by_name.get(name)}, environment has {theirs_by_name.get(name)}"
                )
        return found
