"""Keys of play: every action that a game has can be reached, and no key promises what it has not."""

from __future__ import annotations

import re

import pytest

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.builder.navigation import make_navigation
from metta.mettagrid.config.actions import ActionsConfig
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.spec import env_spec
from metta.sim.terminal.action_keys import ActionKeys

EVERYTHING = ActionsConfig.model_validate(
    {family: {"enabled": True} for family in ActionsConfig.model_fields if family != "noop"}
    | {
        "move": {"directions": 8},
        "rotate": {"enabled": True, "directions": 8},
        "transfer": {"enabled": True, "amounts": {"ore": 1, "heart": 1}},
    }
)
SESSION_KEYS = ("q", "escape", "space", "+", "=", "-", "tab", "n", "back_tab", "p", "enter", "a")
CANDIDATES = (*map(chr, range(33, 127)), "up", "down", "left", "right", "home", "end", "page_up", "page_down")


def reached(keys: ActionKeys) -> list[str]:
    """All actions that some sequence of keys does."""
    found: list[str] = []
    for key in CANDIDATES:
        while (action := keys.action_of(key)) is not None and action not in found:
            found.append(action)
            keys.choose(key.upper())
    return found


def test_every_action_has_a_key() -> None:
    names = EVERYTHING.names()
    assert len(names) > 40
    assert sorted(reached(ActionKeys(names))) == sorted(names)


def test_no_key_has_two_meanings() -> None:
    keys = ActionKeys(EVERYTHING.names())
    assert [key for key in SESSION_KEYS if keys.action_of(key) or keys.choose(key)] == []
    assert [key for key in CANDIDATES if keys.action_of(key) and ActionKeys(EVERYTHING.names()).choose(key)] == []


@pytest.mark.parametrize(
    ("config", "hint"),
    [
        (make_arena(2), "arrows move  a attack  . wait  tab agent  space run/pause  +- speed  q quit"),
        (make_navigation(2), "arrows move  . wait  tab agent  space run/pause  +- speed  q quit"),
        (
            MettaGridConfig(),
            "arrows move  ijkl turn  d put  g get  . wait  tab agent  space run/pause  +- speed  q quit",
        ),
    ],
    ids=["arena", "navigation", "classic"],
)
def test_the_hint_names_what_the_game_has(config: MettaGridConfig, hint: str) -> None:
    assert ActionKeys(env_spec(config).action_names).hint() == hint


def test_the_hint_shows_the_chosen_variants() -> None:
    keys = ActionKeys(EVERYTHING.names())
    assert "c colour +1 (C other)" in keys.hint()
    for letter in "CCFT":
        assert keys.choose(letter)
    assert re.findall(r"[cft] \w+ \S+", keys.hint()) == ["c colour +63", "f glyph 1", "t give heart"]
    assert not keys.choose("D")


def test_a_single_variant_offers_no_other() -> None:
    keys = ActionKeys(("noop", "transfer_heart"))
    assert keys.hint().startswith("t give heart  . wait")
    assert not keys.choose("T")
