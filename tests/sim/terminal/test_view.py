"""The screen of play and replay, as a terminal shows it."""

from __future__ import annotations

import io

import numpy as np
import pyte
import pytest
from rich.console import Console

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.replay.tally import Tally
from metta.mettagrid.spec import env_spec
from metta.sim.terminal.frame import GameFrame, make_frame
from metta.sim.terminal.view import print_plain, screen

KEYS = "arrows move  q quit"


def make_test_frame(agents: int = 8) -> GameFrame:
    config = make_arena(agents)
    width, height = config.game.map.width, config.game.map.height
    objects: list[dict[str, object]] = [{"type": "wall", "r": 0, "c": col} for col in range(width)]
    objects += [{"type": "altar", "r": height - 1, "c": width - 1, "inventory": {"heart": 1}}]
    for index in range(agents):
        held = {"heart": index, "ore_red": 1}
        objects.append(
            {
                "type": "agent",
                "agent_id": index,
                "r": 2 + index,
                "c": 3,
                "orientation": 1,
                "inventory": held,
                "group": 0,
            }
        )
    objects[-1]["frozen"] = 4
    tally = Tally.start(agents)
    tally.total = np.arange(agents, dtype=np.float64)
    tally.actions[:] = 2
    tally.succeeded[0] = True
    return make_frame(config, env_spec(config), 250, objects, tally)


def shown(frame: GameFrame, width: int, height: int, selected: int = 0, status: str = "paused") -> list[str]:
    """Lines of a terminal of that size after the screen was drawn."""
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system="truecolor")
    console.print(screen(frame, selected=selected, width=width, height=height, keys=KEYS, status=status), height=height)
    assert isinstance(console.file, io.StringIO)
    terminal = pyte.Screen(width, height)
    pyte.Stream(terminal).feed(console.file.getvalue().rstrip("\n").replace("\n", "\r\n"))
    return terminal.display


def test_everything_a_player_needs_is_on_the_usual_screen() -> None:
    lines = shown(make_test_frame(), 80, 24)
    text = "\n".join(lines)
    assert lines[0].startswith(" arena   step 250/1000  paused")
    assert lines[-1].startswith(KEYS)
    assert "0v" in text  # the selected agent
    assert "move_south ok" in text
    assert "battery_red" in text
    assert "♥  7" in text  # the richest agent
    assert "altar" in lines[-2]


def test_the_view_follows_the_selected_agent() -> None:
    frame = make_test_frame()
    assert "7*" in "\n".join(shown(frame, 80, 24, selected=7))
    assert "4 steps" in "\n".join(shown(frame, 80, 24, selected=7))


@pytest.mark.parametrize(("width", "height"), [(20, 6), (40, 12), (80, 24), (200, 60)])
def test_any_size_is_drawn_within_its_bounds(width: int, height: int) -> None:
    lines = shown(make_test_frame(24), width, height, selected=23)
    assert len(lines) == height
    assert all(len(line) == width for line in lines)


def test_plain_frames_hold_the_whole_map_without_colours() -> None:
    console = Console(file=io.StringIO(), width=20, color_system=None)
    frame = make_test_frame(8)
    print_plain(console, frame, max_agents=3)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert "\x1b" not in console.file.getvalue()
    assert lines[0] == "arena  step 250/1000  reward per agent 3.500"
    assert lines[1] == "held by all: heart=28 ore_red=8"
    assert lines[2] == "#" * frame.width
    assert lines[2 + frame.height] == "agent   7 (7)  reward    7.000  heart=7 ore_red=1  frozen=4"
    assert lines[-2] == "and 5 more agents"
