"""Shows a replay: a screen with keys in a terminal, plain frames anywhere else."""

from __future__ import annotations

import time

from rich.console import Console
from rich.live import Live

from metta.mettagrid.replay.reader import ReplayPlayer
from metta.sim.terminal.frame import GameFrame, make_frame
from metta.sim.terminal.keys import KeyTerminal
from metta.sim.terminal.view import print_plain, screen

KEYS = "space play  arrows step  pgup/pgdn 10  home/end  tab agent  +- speed  q quit"
_JUMPS = {"left": -1, "right": 1, "up": -1, "down": 1, "page_up": -10, "page_down": 10}
_SPEEDS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
_FRAMES_PER_SECOND = 20.0
"""Faster playback skips frames instead of drawing more of them."""


class ReplaySession:
    """Where we are in a replay and how fast we go."""

    def __init__(self, player: ReplayPlayer, *, steps_per_second: float, paused: bool = False) -> None:
        self.player = player
        self.steps_per_second = steps_per_second
        self.paused = paused
        self.selected = 0
        self.finished = False

    def press(self, key: str) -> None:
        """React to a key."""
        player = self.player
        if key in ("q", "escape"):
            self.finished = True
        elif key == "space":
            self.paused = not self.paused
            if not self.paused and player.step == player.num_steps:
                player.seek(0)
        elif key in ("+", "="):
            self.steps_per_second = next((s for s in _SPEEDS if s > self.steps_per_second), _SPEEDS[-1])
        elif key == "-":
            self.steps_per_second = next((s for s in reversed(_SPEEDS) if s < self.steps_per_second), _SPEEDS[0])
        elif key in ("tab", "n"):
            self.selected = (self.selected + 1) % player.replay.header.num_agents
        elif key in ("back_tab", "p"):
            self.selected = (self.selected - 1) % player.replay.header.num_agents
        elif key in ("home", "end"):
            self.paused = True
            player.seek(0 if key == "home" else player.num_steps)
        elif key in _JUMPS:
            self.paused = True
            player.seek(player.step + _JUMPS[key])

    def tick(self, steps: int) -> None:
        """Play on; at the end, stop there."""
        self.player.seek(self.player.step + steps)
        self.paused = self.paused or self.player.step == self.player.num_steps

    def status(self) -> str:
        if self.player.step == self.player.num_steps and self.paused:
            return "the end: space plays again, q leaves"
        return "paused" if self.paused else f"playing, {self.steps_per_second:g} steps/s"


def frame_of(player: ReplayPlayer) -> GameFrame:
    """The player's world as a frame."""
    env = player.env
    return make_frame(player.replay.header.env, env.spec, player.step, env.grid_objects(), player.tally)


def run_replay(session: ReplaySession, console: Console) -> None:
    """Show a replay in a terminal until the person leaves.

    Raises:
        ConfigError: standard input is no terminal.
        InterruptedBySignal: Ctrl-C, SIGTERM or SIGHUP.
        ReplayError: the recording does not play back.
    """
    with KeyTerminal() as terminal, Live(console=console, screen=True, auto_refresh=False) as live:
        due = time.monotonic()
        while not session.finished and not terminal.closed:
            width, height = console.size
            frame = frame_of(session.player)
            view = screen(
                frame, selected=session.selected, width=width, height=height, keys=KEYS, status=session.status()
            )
            live.update(view, refresh=True)
            key = terminal.read(None if session.paused else max(0.0, due - time.monotonic()))
            if key is not None:
                session.press(key)
            elif not session.paused:
                steps = max(1, round(session.steps_per_second / _FRAMES_PER_SECOND))
                session.tick(steps)
                due = time.monotonic() + steps / session.steps_per_second


def print_replay(player: ReplayPlayer, console: Console, *, frame_every: int) -> None:
    """Print a frame every ``frame_every`` steps and the last one.

    Raises:
        ReplayError: the recording does not play back.
    """
    player.seek(0)
    while True:
        print_plain(console, frame_of(player))
        if player.step == player.num_steps:
            return
        player.seek(player.step + frame_every)
