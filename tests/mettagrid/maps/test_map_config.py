"""Map configs refuse what cannot be drawn."""

from __future__ import annotations

from typing import Any

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.maps.map_config import AsciiMapConfig, RandomMapConfig, RoomsMapConfig


def test_ragged_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"map\.rows\[1\] has 2 characters, expected 3"):
        AsciiMapConfig(rows=("###", "##"))


def test_unexplained_character_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"map\.rows\[0\] has '\?' at column 1.*map\.legend"):
        AsciiMapConfig(rows=("#?#",))


def test_long_legend_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected one character"):
        AsciiMapConfig(rows=("#",), legend={"ab": "wall"})


def test_own_legend_extends_the_default_one() -> None:
    drawn = AsciiMapConfig(rows=("#@b_",), legend={"b": "agent.blue", "_": "mine_red"})
    assert drawn.num_agents == 2
    assert drawn.group_names() == {"blue": "game.map.legend.b"}
    assert drawn.object_names().keys() == {"wall", "mine_red"}


@pytest.mark.parametrize(
    ("drawn", "parts"),
    [
        ({"rows": ("@@",)}, ("draws 2 agents", "game.num_agents=6", "Set game.num_agents=2")),
        ({"rows": ("@@@@@@x",), "legend": {"x": "altr"}}, ("game.map.legend.x", "Did you mean 'altar'?")),
        ({"rows": ("@@@@@b",), "legend": {"b": "agent.blue"}}, ("game.map.legend.b", "'blue'", "game.groups")),
    ],
)
def test_map_must_fit_the_game(drawn: dict[str, Any], parts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        make_arena(6).replace({"game.map": {"type": "ascii", **drawn}})
    for part in parts:
        assert part in str(caught.value)


def test_border_must_leave_an_inside() -> None:
    with pytest.raises(ConfigError, match=r"map\.border_width=5 .*expected at most 4"):
        RandomMapConfig(width=12, height=10, border_width=5)
    with pytest.raises(ConfigError, match=r"map\.room_border_width=2"):
        RoomsMapConfig(rooms=1, room_width=4, room_height=9, room_border_width=2)


def test_rooms_beyond_the_largest_map_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"map of 1280x800, expected at most 1024x1024.*fewer or smaller rooms"):
        RoomsMapConfig(rooms=1024, room_width=40, border_width=0)


@pytest.mark.parametrize(
    ("rooms", "columns", "size"), [(1, 1, (37, 37)), (2, 2, (62, 37)), (4, 2, (62, 62)), (5, 3, (87, 62))]
)
def test_rooms_stand_in_ceil_sqrt_columns(rooms: int, columns: int, size: tuple[int, int]) -> None:
    config = RoomsMapConfig(rooms=rooms)
    assert config.columns == columns
    assert (config.width, config.height) == size
