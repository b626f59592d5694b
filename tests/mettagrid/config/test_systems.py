"""Faults in `game.systems` are told with the key, the value and the cure; the engine refuses them too."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from metta.common.errors import ConfigError
from metta.mettagrid import _core
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import GameConfig, MettaGridConfig
from metta.mettagrid.config.objects import ObjectConfig
from metta.mettagrid.config.systems import CLIPPABLE, SystemsConfig
from metta.mettagrid.env import MettaGridEnv

FAULTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "unknown system": ({"weather": {}}, ("weather",)),
    "loss of an unknown resource": (
        {"resource_loss": {"probability": {"or_red": 0.1}}},
        ("game.systems.resource_loss.probability", "'or_red'", "Did you mean 'ore_red'?"),
    ),
    "a probability above 1": (
        {"resource_loss": {"probability": {"ore_red": 1.5}}},
        ("systems.resource_loss.probability.ore_red=1.5", "1e-06 .. 1"),
    ),
    "a loss of nothing": ({"resource_loss": {"probability": {}}}, ("resource_loss.probability", "at least 1 item")),
    "regeneration of an unknown resource": (
        {"regeneration": {"amounts": {"energy": 1}}},
        ("game.systems.regeneration.amounts", "'energy'", "game.resource_names"),
    ),
    "regeneration of nothing": (
        {"regeneration": {"amounts": {"ore_red": 0}}},
        ("systems.regeneration.amounts.ore_red=0", "expected 1 .. 65535"),
    ),
    "an interval of 0": (
        {"regeneration": {"amounts": {"ore_red": 1}, "interval": 0}},
        ("regeneration.interval", "greater than or equal to 1"),
    ),
    "upkeep in an unknown resource": (
        {"upkeep": {"resources": {"energy": 1}}},
        ("game.systems.upkeep.resources", "'energy'"),
    ),
    "upkeep below what is ever paid": (
        {"upkeep": {"resources": {"heart": 1e-9}}},
        ("systems.upkeep.resources.heart=1e-09", "expected 1e-06 .. 65535"),
    ),
    "an unknown consequence": (
        {"upkeep": {"resources": {"heart": 1}, "on_shortage": "explode"}},
        ("upkeep.on_shortage", "'freeze'"),
    ),
    "death without hit points": (
        {"upkeep": {"resources": {"heart": 1}, "on_shortage": "die"}},
        ("systems.upkeep.on_shortage='die'", "systems.health"),
    ),
    "neither rate nor period": (
        {"clipper": {"unclipping_resources": {"laser": 1}}},
        ("systems.clipper.rate=0", "systems.clipper.period=0", "exactly one"),
    ),
    "rate and period": (
        {"clipper": {"rate": 0.1, "period": 5, "unclipping_resources": {"laser": 1}}},
        ("systems.clipper.rate=0.1", "systems.clipper.period=5", "exactly one"),
    ),
    "a rate above 1": ({"clipper": {"rate": 1.5, "unclipping_resources": {"laser": 1}}}, ("clipper.rate",)),
    "clipping walls": (
        {"clipper": {"rate": 0.1, "objects": ["wall"], "unclipping_resources": {"laser": 1}}},
        ("systems.clipper.objects", "'wall'"),
    ),
    "paying with an unknown resource": (
        {"clipper": {"rate": 0.1, "unclipping_resources": {"lasers": 1}}},
        ("systems.clipper.unclipping_resources", "'lasers'"),
    ),
    "hit points that are no resource": ({"health": {"resource": "hp"}}, ("systems.health.resource", "'hp'")),
    "agents born dead": (
        {"health": {"resource": "heart"}},
        ("systems.health", "'heart'", "agent.initial_inventory.heart"),
    ),
    "an unknown fate": ({"health": {"resource": "heart", "on_death": "melt"}}, ("health.on_death",)),
    "a respawn at once": ({"health": {"resource": "heart", "respawn_ticks": 0}}, ("health.respawn_ticks",)),
    "more agents at the start than there are": (
        {"population": {"initial_agents": 7}},
        ("systems.population.initial_agents=7",),
    ),
    "more entrances than waiting agents": (
        {"population": {"initial_agents": 5, "enter_steps": [3, 4]}},
        ("systems.population.enter_steps has 2 entries", "1 agents wait", "systems.population.initial_agents"),
    ),
    "an entrance before the start": (
        {"population": {"initial_agents": 5, "enter_steps": [0]}},
        ("systems.population.enter_steps[0]=0",),
    ),
    "an unknown goal": ({"population": {"goal": {"gold": 1}}}, ("systems.population.goal", "'gold'")),
    "an entrance rate above 1": (
        {"population": {"initial_agents": 5, "enter_rate": 2.0}},
        ("population.enter_rate",),
    ),
}


@pytest.mark.parametrize(("systems", "parts"), FAULTS.values(), ids=FAULTS.keys())
def test_fault_is_told_with_key_value_and_cure(systems: dict[str, Any], parts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        make_arena(6).replace({"game.systems": systems})
    for part in parts:
        assert part in str(caught.value)


def test_agents_that_could_never_enter_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"2 agents wait .*names 1: the others never would.*enter_rate"):
        make_arena(6).replace({"game.systems": {"population": {"initial_agents": 4, "enter_steps": [3]}}})
    with pytest.raises(ConfigError, match=r"enter_rate=0\.5, but no agent is left"):
        make_arena(6).replace({"game.systems": {"population": {"enter_rate": 0.5}}})


def test_a_goal_beyond_the_limits_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"population\.goal\.heart=300, but agents hold at most 255"):
        make_arena(6).replace({"game.systems": {"population": {"goal": {"heart": 300}}}})


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "unknown system"])
def test_the_engine_refuses_it_too(fault: str) -> None:
    """Whoever compiles a game without pydantic gets an error as well, never a crash."""
    game = make_arena(6).game.model_dump(mode="json")
    game["systems"].update(FAULTS[fault][0])
    with pytest.raises(ConfigError, match=r"systems\."):
        _core.GameProgram(game)


def test_systems_are_off_by_default() -> None:
    assert GameConfig().systems == SystemsConfig()
    assert SystemsConfig().enabled() == ()


THINGS: dict[str, dict[str, Any]] = {
    "wall": {},
    "block": {},
    "converter": {"type_id": 50, "cooldown": 1},
    "plant": {"resource": "heart"},
    "door": {},
    "chest": {"resource": "heart"},
    "assembler": {"recipes": [{"positions": ["Any"]}]},
    "pile": {},
}
"""An object of each kind."""


@pytest.mark.parametrize("kind", [one.model_fields["type"].default for one in get_args(get_args(ObjectConfig)[0])])
def test_both_sides_clip_the_same_kinds(kind: str) -> None:
    """What has a recipe can be clipped; what only keeps or grows things cannot. A new kind must decide."""
    thing = {"type_id": 99, **THINGS[kind], "type": kind}
    clipper = {"objects": ["thing"], "rate": 0.5, "unclipping_resources": {"laser": 1}}
    game = make_arena(6).game.model_dump(mode="json")
    game["objects"]["thing"], game["systems"]["clipper"] = thing, clipper
    if kind in CLIPPABLE:
        assert GameConfig.model_validate(game).systems.clipper is not None
        assert _core.GameProgram(game).num_agents == 6
    else:
        with pytest.raises(ConfigError, match=r"game\.systems\.clipper\.objects names the object with recipes 'thing'"):
            GameConfig.model_validate(game)
        with pytest.raises(ConfigError, match="'thing', which the game does not have or which has no recipe"):
            _core.GameProgram(game)


def test_a_clipper_without_a_list_clips_all_kinds_with_recipes_and_no_other() -> None:
    rows = "#TDCym_@"
    objects: dict[str, Any] = {
        "wall": {"type": "wall", "type_id": 1},
        "temple": {"type": "assembler", "type_id": 19, **THINGS["assembler"]},
        "door": {"type": "door"},
        "chest": {"type": "chest", "resource": "heart"},
        "plant": {"type": "plant", "resource": "heart"},
        "mine_red": {"type": "converter", "type_id": 2, "cooldown": 1},
        "altar": {"type": "converter", "type_id": 8, "cooldown": 1},
    }
    game = {
        "num_agents": 1,
        "objects": objects,
        "map": {"type": "ascii", "rows": [rows]},
        "systems": {"clipper": {"rate": 1.0, "unclipping_resources": {"laser": 1}}},
    }
    env = MettaGridEnv(MettaGridConfig(game=GameConfig.model_validate(game)))
    env.step(np.zeros(1, dtype=np.int32))
    clipped = {thing["type"] for thing in env.grid_objects() if thing.get("clipped")}
    assert clipped == {"temple", "mine_red", "altar"}
