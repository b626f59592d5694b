"""The screen and the keys of ``play``."""

from __future__ import annotations

import time

from rich.console import Console
from rich.live import Live

from metta.sim.terminal.action_keys import ActionKeys
from metta.sim.terminal.keys import KeyTerminal
from metta.sim.terminal.play_game import PlayGame
from metta.sim.terminal.view import screen

_SPEEDS = (1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 40.0)


class PlaySession:
    """Turns keys into steps. Paused, the world waits and each action key is a step; running, it moves on its own and
    takes the last action key (else ``noop``) at each step."""

    def __init__(self, game: PlayGame, *, steps_per_second: float, paused: bool) -> None:
        self.game = game
        self.paused = paused
        self.steps_per_second = steps_per_second
        self.finished = False
        self.keys = ActionKeys(game.spec.action_names)
        self._queued: str | None = None

    def press(self, key: str) -> None:
        """React to a key."""
        game = self.game
        if key in ("q", "escape"):
            self.finished = True
        elif key == "space":
            self.paused = not self.paused
        elif key in ("+", "="):
            self.steps_per_second = next((s for s in _SPEEDS if s > self.steps_per_second), _SPEEDS[-1])
        elif key == "-":
            self.steps_per_second = next((s for s in reversed(_SPEEDS) if s < self.steps_per_second), _SPEEDS[0])
        elif key in ("tab", "n"):
            game.select(+1)
        elif key in ("back_tab", "p"):
            game.select(-1)
        elif key == "enter" and game.over:
            game.restart()
        elif not self.keys.choose(key) and (action := self._action_of(key)) is not None:
            self._act(action)

    def tick(self) -> None:
        """One step of a running game."""
        action, self._queued = self._queued or "noop", None
        self.game.advance(action)
        self.paused = self.paused or self.game.over

    def status(self) -> str:
        """What the person should know now."""
        if self.game.over:
            return "episode over: enter starts another, q leaves"
        if self.paused:
            return "paused: each action key is one step"
        return f"running, {self.steps_per_second:g} steps/s{f', next: {self._queued}' if self._queued else ''}"

    def _action_of(self, key: str) -> str | None:
        return self.game.attack() if key == "a" else self.keys.action_of(key)

    def _act(self, action: str) -> None:
        if self.paused:
            self.game.advance(action)
        else:
            self._queued = action


def run_play(session: PlaySession, console: Console) -> None:
    """Play until the person leaves. The terminal is restored however this ends.

    Raises:
        ConfigError: standard input is no terminal.
        InterruptedBySignal: Ctrl-C, SIGTERM or SIGHUP.
    """
    with KeyTerminal() as terminal, Live(console=console, screen=True, auto_refresh=False) as live:
        due = time.monotonic()
        while not session.finished and not terminal.closed:
            width, height = console.size
            live.update(
                screen(
                    session.game.frame(),
                    selected=session.game.selected,
                    width=width,
                    height=height,
                    keys=session.keys.hint(),
                    status=session.status(),
                ),
                refresh=True,
            )
            key = terminal.read(None if session.paused else max(0.0, due - time.monotonic()))
            if key is not None:
                session.press(key)
            elif not session.paused:
                session.tick()
                due = time.monotonic() + 1.0 / session.steps_per_second
