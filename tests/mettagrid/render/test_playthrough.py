"""Scripts say what is wrong with them."""

from __future__ import annotations

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.render.playthrough import SEPARATOR, parse_script, play_script

SCRIPT = """Small: one agent.

seed 3
set game.max_steps = 9
map
###
#@#
###
do noop 2
do move_east
"""


def test_parts_of_a_script() -> None:
    script = parse_script(SCRIPT)
    assert script.seed == 3
    assert script.config.label == "small"
    assert (script.config.game.num_agents, script.config.game.max_steps) == (1, 9)
    assert script.actions == (("noop",), ("noop",), ("move_east",))


def test_playing_twice_gives_the_same_text() -> None:
    once = play_script(parse_script(SCRIPT))
    assert SEPARATOR in once
    assert play_script(parse_script(once)) == once


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sed 3", "'sed 3' is no directive"),
        ("do noop noop", "has 2 actions"),
        ("do move_est", "unknown 'move_est'.*'move_east'"),
        ("set game.max_stps = 3", "'game.max_stps'"),
    ],
)
def test_faults_are_named(line: str, message: str) -> None:
    text = SCRIPT.replace("seed 3", f"seed 3\n{line}") if not line.startswith("do") else f"{SCRIPT}{line}\n"
    with pytest.raises(ConfigError, match=message):
        parse_script(text)
