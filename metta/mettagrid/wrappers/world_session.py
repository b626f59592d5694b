"""One world with its manners: reset before step, step before the end, nothing after close. Copies what it returns."""

from __future__ import annotations

from typing import Any, Literal

import gymnasium
import numpy as np
from numpy.typing import NDArray

from metta.common.errors import ConfigError, EnvError
from metta.common.vector_env import EpisodeRecord, StepBatch
from metta.mettagrid.action_table import ActionTable
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.render.ansi import draw
from metta.mettagrid.render.rgb import draw_rgb, object_kinds
from metta.mettagrid.render.terminal import TerminalScreen
from metta.mettagrid.wrappers.spaces import ActionReader, ActionSpaceKind

RenderMode = Literal["ansi", "rgb_array", "human"]
RENDER_MODES: tuple[RenderMode, ...] = ("ansi", "rgb_array", "human")
RENDER_FPS = 8


class WorldSession:
    """What the Gymnasium and PettingZoo environments share: one world, its actions, its pictures.

    Args:
        title: how errors call the environment.

    Raises:
        ConfigError: an unknown kind of action space or render mode, or a game that the engine refuses.
    """

    def __init__(
        self, cfg: MettaGridConfig, *, title: str, action_space: ActionSpaceKind, render_mode: RenderMode | None
    ) -> None:
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise ConfigError(f"render_mode={render_mode!r}, expected None or one of {list(RENDER_MODES)}.")
        self._cfg = cfg
        self.actions = ActionReader(ActionTable.from_game(cfg.game), action_space)
        self.env = MettaGridEnv(cfg)
        self.spec = self.env.spec
        self.title, self.render_mode = title, render_mode
        self._screen = TerminalScreen() if render_mode == "human" else None
        self._state: Literal["new", "running", "ended", "closed"] = "new"

    def reset(self, seed: int) -> StepBatch:
        """Start episode 0 of ``seed``.

        Raises:
            EnvError: closed.
            ConfigError: a seed below 0 or beyond 64 bits.
        """
        self._check_open()
        self._state = "running"
        batch = self.env.reset(seed)
        self.env.drain_episodes()
        return batch

    def step(self, actions: NDArray[np.int32]) -> StepBatch:
        """One tick; the arrays are views, valid until the next one.

        Raises:
            EnvError: closed, not reset, or after the episode's end.
        """
        self.check_running()
        return self.env.step(actions)

    def check_running(self) -> None:
        """Whether a step makes sense now.

        Raises:
            EnvError: closed, not reset, or after the episode's end.
        """
        self._check_open()
        if self._state == "new":
            raise EnvError(f"{self.title}: step() came before reset(): there is no episode yet. Call reset() first.")
        if self._state == "ended":
            raise EnvError(f"{self.title}: step() came after the episode's end. Call reset() to start the next one.")

    def end(self) -> EpisodeRecord | None:
        """Note that the episode is over; its record where the engine agrees."""
        self._state = "ended"
        records = self.env.drain_episodes()
        return records[0] if records else None

    def global_state(self) -> NDArray[np.uint8]:
        """Everything on the map as planes, a new array.

        Raises:
            EnvError: closed.
        """
        self._check_open()
        return self.env.global_state()

    def render(self) -> str | NDArray[np.uint8] | None:
        """The map as ``render_mode`` says; ``human`` draws into the terminal and returns nothing.

        Raises:
            EnvError: closed.
        """
        self._check_open()
        if self.render_mode is None:
            gymnasium.logger.warn(f"{self.title}: render() without a render_mode. Pass render_mode='rgb_array'.")
            return None
        height, width = self.env.map_size
        objects = self.env.grid_objects()
        if self.render_mode == "rgb_array":
            return draw_rgb(objects, width, height, kinds=object_kinds(self._cfg))
        if self._screen is None:
            return draw(objects, width, height, colour=False)
        self._screen.show(objects, width, height, f"{self.title}  step {self.env.step_count}")
        return None

    def close(self) -> None:
        """Using the session afterwards raises ``EnvError``; closing twice is fine."""
        self._state = "closed"
        self.env.close()

    def __getstate__(self) -> dict[str, Any]:
        """A copied or sent session goes on exactly where this one stands: its world travels as a snapshot."""
        state = self.__dict__.copy()
        del state["env"]
        world = None if self._state == "closed" else self.env.snapshot()
        return {"session": state, "seed": self.env.seed, "world": world}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state["session"])
        self.env = MettaGridEnv(self._cfg, state["seed"])
        if state["world"] is None:
            self.env.close()
        else:
            self.env.restore(state["world"])

    def _check_open(self) -> None:
        if self._state == "closed":
            raise EnvError(f"{self.title}: the environment was closed. Make a new one.")


def stats_of(record: EpisodeRecord, agent: int) -> dict[str, float]:
    """One agent's numbers of a finished episode."""
    stats = {"return": float(record.rewards[agent]), "length": float(record.length)}
    stats |= {name: float(values[agent]) for name, values in record.agent_stats.items()}
    return stats | {f"game/{name}": float(value) for name, value in record.game_stats.items()}
