"""What doors, plants, chests and assemblers take and give, counted over whole episodes of random play."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metta.mettagrid.config.game import MettaGridConfig
from tests.mettagrid.object_strategies import assemblers, chests, doors, plants
from tests.mettagrid.strategies import Play
from tests.mettagrid.test_properties import PLAYS, SEEDS, few, make, step

RESOURCES = ("ore", "heart")
STEPS = 40


@st.composite
def workshops(draw: st.DrawFn) -> MettaGridConfig:
    """All four kinds, agents with room for everything; no other source or sink."""
    things: dict[str, dict[str, Any]] = {
        "door": draw(doors(RESOURCES)),
        "plant": draw(plants(RESOURCES)) | {"harvest": 1},
        "chest": draw(chests(RESOURCES)),
        "assembler": draw(assemblers(RESOURCES)) | {"allow_partial_usage": False},
    }
    things["assembler"]["recipes"] = things["assembler"]["recipes"][:1]
    game = {
        "resource_names": RESOURCES,
        "num_agents": 5,
        "max_steps": STEPS,
        "agent": {"default_resource_limit": 60_000, "initial_inventory": dict.fromkeys(RESOURCES, 9)},
        "actions": {
            "move": {"uses_objects": draw(st.booleans()), "directions": draw(st.sampled_from([4, 8]))},
            "rotate": {"enabled": True},
            "put_items": {"enabled": True},
            "get_items": {"enabled": True},
            "change_glyph": {"enabled": True, "number_of_glyphs": 2},
        },
        "objects": {"wall": {"type": "wall", "type_id": 1}} | things,
        "map": {"type": "random", "width": 7, "height": 7, "border_width": 0, "objects": dict.fromkeys(things, 4)},
    }
    return MettaGridConfig.model_validate({"game": game})


def owned(objects: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """What agents and chests hold; the stock of plants is still nobody's."""
    total: Counter[str] = Counter()
    for item in objects:
        if item["type"] in ("agent", "chest"):
            total.update(item["inventory"])
    return total


@few
@given(workshops(), SEEDS, PLAYS)
def test_each_use_takes_and_gives_what_it_says(config: MettaGridConfig, seed: int, play_seed: int) -> None:
    env, play = make(config, seed), Play(play_seed)
    expected = owned(env.grid_objects(0))
    for _ in range(STEPS):
        step(env, play)
    (record,) = env.drain_episodes()
    stats = {name: int(np.sum(values)) for name, values in record.agent_stats.items()}
    things: dict[str, Any] = config.game.model_dump()["objects"]
    expected[things["plant"]["resource"]] += stats["object.plant.used"]
    if things["door"]["consumes_key"]:
        for name, amount in things["door"]["key_resources"].items():
            expected[name] -= amount * stats["object.door.used"]
    for recipe in things["assembler"]["recipes"]:
        for name, amount in recipe["input_resources"].items():
            expected[name] -= amount * stats["object.assembler.used"]
        for name, amount in recipe["output_resources"].items():
            expected[name] += amount * stats["object.assembler.used"]
    held = owned(env.grid_objects(0))
    assert {name: held[name] for name in RESOURCES} == {name: expected[name] for name in RESOURCES}
    env.close()


@few
@given(workshops(), SEEDS, PLAYS)
def test_stocks_and_uses_stay_within_bounds(config: MettaGridConfig, seed: int, play_seed: int) -> None:
    env, play = make(config, seed), Play(play_seed)
    chest: Any = config.game.objects["chest"]
    stocks = {(item["r"], item["c"]): item["stock"] for item in env.grid_objects(0) if item["type"] == "plant"}
    for _ in range(STEPS - 1):
        step(env, play)
        for item in env.grid_objects(0):
            if item["type"] == "plant":
                place = (item["r"], item["c"])
                assert item["stock"] <= max(item["max_stock"], 2)
                assert abs(item["stock"] - stocks[place]) <= 4, "four neighbours can take one each; one unit grows"
                stocks[place] = item["stock"]
            if item["type"] == "chest":
                assert all(amount <= chest.limit for amount in item["inventory"].values())
            if item["type"] == "assembler" and item["max_uses"]:
                assert item["uses"] <= item["max_uses"]
    env.close()
