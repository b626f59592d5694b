"""The scripted teachers: what the recipes' machines take and give."""

from __future__ import annotations

import torch

from metta.agent.policies.scripted.forager import ForagerPolicy, Machine
from metta.common.env_spec import EnvSpec

_ALTAR = 8
_ARENA = (
    Machine(type_id=2, gives="ore_red", most_held=8),
    Machine(type_id=5, takes="ore_red", gives="battery_red", most_held=12),
    Machine(type_id=_ALTAR, takes="battery_red", gives="heart"),
)
_NAVIGATION = (Machine(type_id=_ALTAR, gives="heart"),)


def arena_teacher(spec: EnvSpec, device: torch.device | str = "cpu") -> ForagerPolicy:
    """`mock://arena_teacher`: ore from mines, batteries from generators, hearts from altars; never fights."""
    return ForagerPolicy("arena_teacher", spec, _ARENA)


def navigation_teacher(spec: EnvSpec, device: torch.device | str = "cpu") -> ForagerPolicy:
    """`mock://navigation_teacher`: from altar to altar, each when its next heart is due."""
    return ForagerPolicy("navigation_teacher", spec, _NAVIGATION)
