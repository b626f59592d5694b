"""The engine's config structs and the pydantic classes list the same keys with the same defaults."""

from __future__ import annotations

from types import NoneType
from typing import Any, cast, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from metta.mettagrid import _core
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.agent import GroupConfig
from metta.mettagrid.config.game import DEFAULT_RESOURCES, GameConfig
from metta.mettagrid.config.limits import MAX_AMOUNT
from metta.mettagrid.config.objects import (
    AssemblerConfig,
    BlockConfig,
    ChestConfig,
    ConverterConfig,
    DoorConfig,
    PileConfig,
    PlantConfig,
    WallConfig,
)
from metta.mettagrid.config.stats import agent_stat_names
from metta.mettagrid.config.systems import SystemsConfig
from metta.mettagrid.maps.map_config import (
    AsciiMapConfig,
    PoolMapConfig,
    RandomMapConfig,
    RoomsMapConfig,
    SceneMapConfig,
)
from metta.mettagrid.maps.scene_config import SCENES

SCHEMA = cast(dict[str, Any], _core.config_schema())
VARIANTS: dict[str, tuple[type[BaseModel], ...]] = {
    "objects": (
        WallConfig,
        BlockConfig,
        ConverterConfig,
        PlantConfig,
        DoorConfig,
        ChestConfig,
        AssemblerConfig,
        PileConfig,
    ),
    "map": (RandomMapConfig, AsciiMapConfig, RoomsMapConfig, SceneMapConfig, PoolMapConfig),
}


def compare(model: type[BaseModel], native: dict[str, Any], path: str) -> None:
    """Keys are equal; where pydantic has a plain default, the engine has the same."""
    fields = {name: field for name, field in model.model_fields.items() if name != "type"}
    assert list(native) == list(fields), path
    for name, field in fields.items():
        where = f"{path}.{name}"
        default = field.get_default(call_default_factory=True, validated_data={})
        if isinstance(default, BaseModel):
            compare(type(default), native[name], where)
        elif default is not PydanticUndefined:
            assert native[name] == _plain(default), where


def _plain(value: Any) -> Any:
    """As the binding shows it: tuples and mappings are lists."""
    if isinstance(value, dict):
        return [list(entry) for entry in cast(dict[str, Any], value).items()]
    return list(cast(tuple[Any, ...], value)) if isinstance(value, tuple) else value


def test_game_fields() -> None:
    native = {name: value for name, value in SCHEMA.items() if name not in ("groups", "systems", *VARIANTS)}
    assert list(SCHEMA) == list(GameConfig.model_fields)
    for name in ("obs", "agent", "actions"):
        compare(type(getattr(GameConfig(), name)), native.pop(name), name)
    assert native.pop("resource_names") in ([], list(DEFAULT_RESOURCES))
    assert native == {name: _plain(getattr(GameConfig(), name)) for name in native}


def test_systems() -> None:
    """Every system is off by default, and is made of the same keys on both sides."""
    fields = SystemsConfig.model_fields
    assert SystemsConfig() == SystemsConfig(**dict.fromkeys(fields))
    assert list(SCHEMA["systems"]) == list(fields)
    for name, field in fields.items():
        (model,) = (kind for kind in get_args(field.annotation) if kind is not NoneType)
        compare(model, SCHEMA["systems"][name], f"systems.{name}")


def test_group_fields() -> None:
    compare(GroupConfig, SCHEMA["groups"], "groups")


@pytest.mark.parametrize("key", VARIANTS)
def test_variants(key: str) -> None:
    models = {model.model_fields["type"].default: model for model in VARIANTS[key]}
    assert SCHEMA[key].keys() == models.keys()
    for name, model in models.items():
        compare(model, SCHEMA[key][name], f"{key}.{name}")


def test_scenes() -> None:
    native = _core.scene_schema()
    assert list(native) == [model.model_fields["type"].default for model in SCENES]
    for name, model in zip(native, SCENES, strict=True):
        compare(model, native[name], f"scene.{name}")


EVERY_ACTION: dict[str, Any] = {
    "game.objects.block": BlockConfig(),
    "game.actions.move.directions": 8,
    "game.actions.rotate": {"enabled": True, "directions": 8},
    "game.actions.shield": {"enabled": True, "resource": "laser"},
    "game.actions.transfer": {"enabled": True, "amounts": {"heart": 1, "ore_red": 2}},
    **{
        f"game.actions.{family}.enabled": True
        for family in ("put_items", "get_items", "swap", "change_color", "change_glyph", "share", "place_block")
    },
    "game.actions.pick_block.enabled": True,
}


@pytest.mark.parametrize("changes", [{}, EVERY_ACTION], ids=["arena", "every action"])
def test_statistics_and_actions_have_the_engine_names(changes: dict[str, Any]) -> None:
    game = make_arena().replace(changes).game
    program = _core.GameProgram(game.model_dump(mode="json"))
    expected = agent_stat_names(game.resource_names, game.actions.families(), statics=game.statics())
    assert tuple(program.agent_stat_names) == expected
    assert tuple(program.action_names) == game.actions.names()


def test_largest_amounts_fit() -> None:
    game = make_arena().replace({"game.agent.resource_limits": {"heart": MAX_AMOUNT}}).game
    _core.GameProgram(game.model_dump(mode="json"))
