"""Random games and random play, for properties that hold in every game."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from metta.common.vector_env import StepBatch
from metta.mettagrid.config.game import MettaGridConfig
from tests.mettagrid.action_strategies import BLOCK, more_actions
from tests.mettagrid.map_strategies import maps
from tests.mettagrid.object_strategies import more_objects

RESOURCES = ("ore", "battery", "heart", "laser")
_walls = st.fixed_dictionaries({"swappable": st.booleans(), "opaque": st.booleans()})
_WEIGHTS = (-0.5, 0.01, 0.25, 1.0)


@st.composite
def games(
    draw: st.DrawFn,
    *,
    min_agents: int = 1,
    max_agents: int = 6,
    max_steps: int = 30,
    with_systems: bool = True,
    with_goals: bool = False,
    every_action: bool = False,
) -> MettaGridConfig:
    """A small game whose pieces all matter: tight limits, short cooldowns, crowded maps, every kind of map."""
    num_agents = draw(st.integers(min_agents, max_agents))
    objects: dict[str, Any] = {"wall": {"type": "wall", "type_id": 1, **(draw(_walls) if every_action else {})}}
    if every_action:
        objects[BLOCK] = {"type": "block"}
    for i in range(draw(st.integers(0, 3))):
        objects[f"converter_{i}"] = draw(_converters(type_id=2 + 3 * i, priced=every_action))
    if every_action:
        objects |= draw(more_objects(RESOURCES))
    actions = draw(more_actions(RESOURCES) if every_action else _actions())
    stats = ["ore.gained", "heart.amount", *(["attack.hit"] if actions["attack"]["enabled"] else [])]
    map_ = draw(maps(list(objects), num_agents))
    game: dict[str, Any] = {
        "profile": "use",
        "resource_names": RESOURCES,
        "num_agents": num_agents,
        "max_steps": draw(st.sampled_from([0, 1, 2, 7, max_steps])),
        "obs": draw(_observations()),
        "agent": draw(_agents(stats)),
        **draw(teams(stats, num_agents, counted=map_["type"] != "ascii")),
        "terminate_when": draw(st.dictionaries(st.sampled_from(stats), st.integers(1, 9), max_size=with_goals)),
        "actions": actions,
        "systems": draw(systems(clips=any(name.startswith("converter") for name in objects) and every_action))
        if with_systems
        else {},
        "objects": objects,
        "map": map_,
    }
    return MettaGridConfig.model_validate({"label": "random", "game": game})


@st.composite
def _converters(draw: st.DrawFn, type_id: int, priced: bool) -> dict[str, Any]:
    inputs = draw(st.dictionaries(st.sampled_from(RESOURCES[:2]), st.integers(1, 3), max_size=2))
    others = [name for name in RESOURCES if name not in inputs]
    return {
        "type": "converter",
        "type_id": type_id,
        "input_resources": inputs,
        "output_resources": draw(st.dictionaries(st.sampled_from(others), st.integers(1, 2), max_size=2)),
        "max_output": draw(st.sampled_from([-1, 1, 2, 5])),
        "max_conversions": draw(st.sampled_from([-1, -1, 0, 2])),
        "conversion_ticks": draw(st.integers(1, 3)),
        "cooldown": draw(st.integers(0, 3)),
        "initial_resource_count": draw(st.integers(0, 2)),
        "use_cost": draw(st.sampled_from([{}, {}, {"ore": 1}, {"heart": 1}])) if priced else {},
    }


@st.composite
def _observations(draw: st.DrawFn) -> dict[str, Any]:
    sides = st.sampled_from([3, 5, 7, 11, 13, 15])
    return {
        "kind": draw(st.sampled_from(["tokens", "tokens", "box"])),
        "width": draw(sides),
        "height": draw(sides),
        "shape": draw(st.sampled_from(["square", "circle"])),
        "line_of_sight": draw(st.booleans()),
        "num_tokens": draw(st.sampled_from([16, 40, 200])),
        "episode_completion_pct": draw(st.booleans()),
        "last_action": draw(st.booleans()),
        "last_reward": draw(st.booleans()),
        "visitation_counts": draw(st.booleans()),
        "global_state": draw(st.booleans()),
    }


@st.composite
def _agents(draw: st.DrawFn, stats: list[str]) -> dict[str, Any]:
    limits = draw(st.dictionaries(st.sampled_from(RESOURCES), st.integers(1, 4), max_size=4))
    start = {name: draw(st.integers(0, limits.get(name, 6))) for name in RESOURCES}
    bag = draw(st.lists(st.sampled_from(RESOURCES), max_size=3, unique=True))
    most = sum(start[name] for name in bag) + draw(st.integers(1, 3))
    shared = {"bag": {"limit": most, "resources": bag}} if bag else {}
    weights = st.sampled_from(_WEIGHTS)
    inventory = draw(st.dictionaries(st.sampled_from(RESOURCES), weights, max_size=3))
    weighed = draw(st.dictionaries(st.sampled_from(stats), weights, max_size=2))
    return {
        "default_resource_limit": draw(st.sampled_from([6, 255])),
        "resource_limits": limits,
        "shared_limits": shared,
        "freeze_duration": draw(st.integers(0, 4)),
        "initial_inventory": start,
        "soul_bound_resources": draw(st.sampled_from([(), ("heart",)])),
        "action_failure_penalty": draw(st.sampled_from([0.0, 0.125])),
        "rewards": {
            "inventory": inventory,
            "inventory_max": {name: 1.0 for name in inventory if draw(st.booleans())},
            "stats": weighed,
            "stats_max": {name: 0.5 for name in weighed if draw(st.booleans())},
            "terms": draw(st.dictionaries(st.sampled_from(["one", "other"]), _terms(stats), max_size=2)),
        },
    }


@st.composite
def teams(draw: st.DrawFn, stats: list[str], num_agents: int, counted: bool) -> dict[str, Any]:
    """Two groups: perhaps with agents, limits and counts of their own, sharing rewards in one way or the other."""
    red: dict[str, Any] = {"id": 0, "limits": draw(st.dictionaries(st.sampled_from(RESOURCES), st.integers(1, 9)))}
    blue: dict[str, Any] = {"id": draw(st.integers(1, 9)), "agent": draw(st.none() | _agents(stats))}
    if counted and draw(st.booleans()):
        red["count"] = draw(st.integers(0, num_agents))
        blue["count"] = num_agents - red["count"]
    sharing = draw(st.sampled_from(["none", "groups", "matrix"]))
    if sharing == "groups":
        red["reward_share"], blue["reward_share"] = draw(st.sampled_from([(1.0, 0.0), (0.5, 0.25)]))
    weights = st.lists(st.sampled_from([0.0, 0.5, 1.0, -0.25]), min_size=num_agents, max_size=num_agents)
    matrix = draw(st.lists(weights, min_size=num_agents, max_size=num_agents)) if sharing == "matrix" else None
    return {"groups": {"red": red, "blue": blue}, "reward_sharing": matrix}


@st.composite
def _terms(draw: st.DrawFn, stats: list[str]) -> dict[str, Any]:
    what = draw(st.sampled_from([("resource", name) for name in RESOURCES] + [("stat", name) for name in stats]))
    return {
        what[0]: what[1],
        "weight": draw(st.sampled_from(_WEIGHTS)),
        "cap": draw(st.sampled_from([None, 0.5, 1.0])),
        "floor": draw(st.sampled_from([None, -0.25, 0.25])),
        "mode": draw(st.sampled_from(["delta", "tick"])),
    }


@st.composite
def _actions(draw: st.DrawFn) -> dict[str, Any]:
    costs = st.dictionaries(st.sampled_from(RESOURCES), st.integers(1, 2), max_size=1)
    return {
        "move": {"required_resources": draw(costs), "consumed_resources": draw(st.sampled_from([{}, {}, {"ore": 1}]))},
        "attack": {
            "enabled": draw(st.booleans()),
            "required_resources": draw(costs),
            "consumed_resources": draw(costs),
            "defense_resources": draw(costs),
        },
    }


@st.composite
def systems(draw: st.DrawFn, clips: bool = False) -> dict[str, Any]:
    """World systems, each off in most games; ``clips``: the clipper among them."""
    seldom = st.sampled_from([False, False, True])
    names = st.sampled_from(RESOURCES)
    chosen: dict[str, Any] = {}
    if draw(seldom):
        shares = st.sampled_from([0.01, 0.1, 0.3, 1.0])
        chosen["resource_loss"] = {"probability": draw(st.dictionaries(names, shares, min_size=1, max_size=2))}
    if draw(seldom):
        amounts = draw(st.dictionaries(names, st.integers(1, 3), min_size=1, max_size=2))
        chosen["regeneration"] = {"amounts": amounts, "interval": draw(st.integers(1, 4))}
    if draw(seldom):
        prices = draw(st.dictionaries(names, st.sampled_from([0.1, 1, 1.5]), min_size=1, max_size=2))
        chosen["upkeep"] = {"resources": prices, "on_shortage": draw(st.sampled_from(["none", "freeze"]))}
    if clips and draw(st.booleans()):
        chosen["clipper"] = {
            **draw(st.sampled_from([{"rate": 0.2}, {"period": 1}, {"period": 3, "length_scale": 2, "cutoff": 1}])),
            "unclipping_resources": draw(st.dictionaries(names, st.integers(1, 2), min_size=1, max_size=2)),
        }
    return chosen


class Play:
    """Random actions: mostly allowed ones, sometimes any, sometimes ids that no action has."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def __call__(self, batch: StepBatch) -> NDArray[np.int32]:
        assert batch.action_mask is not None
        rows, num_actions = batch.action_mask.shape
        scores = self._rng.random((rows, num_actions)) * batch.action_mask
        scores[:, 0] *= 0.2  # noop is always allowed and seldom interesting
        actions = scores.argmax(axis=1)
        kind = self._rng.random(rows)
        actions = np.where(kind < 0.15, self._rng.integers(0, num_actions, rows), actions)
        return np.where(kind < 0.02, self._rng.integers(-2, num_actions + 3, rows), actions).astype(np.int32)
