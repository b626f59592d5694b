"""MettaGrid as a Gymnasium environment of one agent, and its ids. Importing this module registers them."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
from numpy.typing import NDArray

from metta.common.errors import ConfigError
from metta.common.vector_env import StepBatch
from metta.common.whole_number import checked_seed
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.wrappers.games import resolve_game
from metta.mettagrid.wrappers.spaces import ActionSpaceKind, observation_space
from metta.mettagrid.wrappers.world_session import RENDER_FPS, RENDER_MODES, RenderMode, WorldSession, stats_of

IDS = {
    "MettaGrid/Arena-v0": "arena",
    "MettaGrid/ArenaSparse-v0": "arena_sparse",
    "MettaGrid/Empty-v0": "empty",
    "MettaGrid/Navigation-v0": "navigation",
}
"""Registered id -> name of the game."""


class MettaGridGymEnv(gymnasium.Env[NDArray[Any], Any]):
    """A game of one agent. Returned arrays are copies: they never change later.

    ``infos``: ``action_mask`` (what the agent may do now, as ``action_space.sample`` takes it) and, at an episode's
    end, ``stats`` (name -> number).
    ``action_masks()`` gives the mask to SB3-contrib. The end after ``max_steps`` is a truncation.

    Shapes: observation ``[T, 3] uint8``; action an integer (``flat``) or ``(family, argument)`` (``multi``).

    Raises:
        ConfigError: an unknown game, more than one agent, or a game that the engine refuses.

    >>> env = gymnasium.make("MettaGrid/Arena-v0")
    >>> observation, info = env.reset(seed=0)
    >>> observation.shape, info["action_mask"].shape
    ((200, 3), (14,))
    """

    metadata: ClassVar[dict[str, Any]] = {  # pyright: ignore[reportIncompatibleVariableOverride] - one for the class
        "render_modes": list(RENDER_MODES),
        "render_fps": RENDER_FPS,
    }

    def __init__(
        self,
        game: MettaGridConfig | str = "arena",
        *,
        max_steps: int | None = None,
        action_space: ActionSpaceKind = "flat",
        render_mode: RenderMode | None = None,
    ) -> None:
        cfg = resolve_game(game, max_steps=max_steps)
        if cfg.game.num_agents != 1:
            raise ConfigError(
                f"the game {cfg.label!r} has {cfg.game.num_agents} agents, a Gymnasium environment has one. Take "
                "MettaGridPettingZooEnv or MettaGridVectorEnv, or a game with num_agents=1."
            )
        self._session = WorldSession(cfg, title=cfg.label, action_space=action_space, render_mode=render_mode)
        self.render_mode = render_mode
        self.observation_space = observation_space(self._session.spec)
        self.action_space = self._session.actions.single_space()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Start an episode; without ``seed`` the next one of the last seed's sequence. ``options`` are not used.

        Raises:
            EnvError: closed.
            ConfigError: a seed beyond 64 bits.
        """
        seed = None if seed is None else checked_seed(seed)
        super().reset(seed=seed)
        batch = self._session.reset(int(self.np_random.integers(2**63)) if seed is None else seed)
        self._draw()
        return batch.observations[0].copy(), self._info(batch)

    def step(self, action: Any) -> tuple[NDArray[Any], float, bool, bool, dict[str, Any]]:
        """One tick.

        Raises:
            EnvError: closed, not reset, after the end, or an action outside the space.
            ShapeContractError: an action that is no integer (flat) or no pair of integers (multi).
        """
        self._session.check_running()
        batch = self._session.step(np.array([self._session.actions.read_one(action)], dtype=np.int32))
        terminated, truncated = bool(batch.terminated[0]), bool(batch.truncated[0])
        info = self._info(batch)
        if terminated or truncated:
            record = self._session.end()
            info["stats"] = {} if record is None else stats_of(record, 0)
        self._draw()
        return batch.observations[0].copy(), float(batch.rewards[0]), terminated, truncated, info

    def action_masks(self) -> NDArray[np.bool_]:
        """What the agent may do now, a copy. Shapes: ``[A]`` (flat) or ``[F + M]`` (pairs) ``bool``."""
        mask = self._session.env.batch.action_mask
        assert mask is not None
        return self._session.actions.mask(mask[0])

    def render(self) -> Any:
        """The map as text (``ansi``), as ``[H, W, 3] uint8`` (``rgb_array``), or into the terminal (``human``)."""
        return None if self.render_mode == "human" else self._session.render()

    def close(self) -> None:
        """Using the environment afterwards raises ``EnvError``; closing twice is fine."""
        self._session.close()

    def _info(self, batch: StepBatch) -> dict[str, Any]:
        assert batch.action_mask is not None
        return {"action_mask": self._session.actions.sample_mask(batch.action_mask[0])}

    def _draw(self) -> None:
        if self.render_mode == "human":
            self._session.render()


def register() -> None:
    """Put our ids into Gymnasium's registry; a second call changes nothing."""
    for env_id, game in IDS.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(  # pyright: ignore[reportUnknownMemberType] - Gymnasium leaves it half typed
                env_id,
                entry_point="metta.mettagrid.wrappers.gymnasium:MettaGridGymEnv",
                vector_entry_point="metta.mettagrid.wrappers.gymnasium_vector:MettaGridVectorEnv",
                kwargs={"game": game},
            )


register()
