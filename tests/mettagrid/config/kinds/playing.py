"""Small worlds around one object, for the tests of the kinds."""

from __future__ import annotations

from typing import Any

import numpy as np

from metta.mettagrid.config.game import GameConfig, MettaGridConfig
from metta.mettagrid.config.objects import ObjectConfig
from metta.mettagrid.env import MettaGridEnv


def world(thing: ObjectConfig, rows: tuple[str, ...], resources: tuple[str, ...], **game: Any) -> MettaGridEnv:
    """``rows``: ``@`` agents, ``X`` the thing, ``.`` free cells. Moves use what they bump into."""
    fields: dict[str, Any] = {
        "resource_names": resources,
        "num_agents": sum(row.count("@") for row in rows),
        "max_steps": 0,
        "actions": {"move": {"uses_objects": True, "directions": 8}},
        "objects": {"wall": {"type": "wall", "type_id": 1}, "thing": thing},
        "map": {"type": "ascii", "rows": rows, "legend": {"X": "thing"}},
    }
    env = MettaGridEnv(MettaGridConfig(game=GameConfig.model_validate(fields | game)), seed=0)
    env.reset()
    return env


def act(env: MettaGridEnv, *names: str) -> list[bool]:
    """Take one action an agent; whether each succeeded. What the mask forbids must fail."""
    mask = env.batch.action_mask
    actions = np.array([env.spec.action_names.index(name) for name in names], dtype=np.int32)
    assert mask is not None
    allowed = [bool(mask[agent, action]) for agent, action in enumerate(actions)]
    env.step(actions)
    success = env.action_success.tolist()
    assert all(may or not did for may, did in zip(allowed, success, strict=True))
    return success


def held(env: MettaGridEnv) -> list[dict[str, int]]:
    """The agents' inventories."""
    return [item["inventory"] for item in env.grid_objects() if item["type"] == "agent"]


def thing_of(env: MettaGridEnv) -> dict[str, Any]:
    """The first thing on the map."""
    return next(dict(item) for item in env.grid_objects() if item["type"] == "thing")
