"""The batched engine as a Gymnasium ``VectorEnv``: one native call steps all sub-environments."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from metta.common.errors import ConfigError, EnvError, ShapeContractError
from metta.common.vector_env import EpisodeRecord, StepBatch
from metta.common.whole_number import checked_seed
from metta.mettagrid.action_table import ActionTable
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.render.rgb import draw_rgb, object_kinds
from metta.mettagrid.vec_buffers import any_set
from metta.mettagrid.vec_env import VecEnv
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.mettagrid.wrappers.buffer_pool import BufferPool
from metta.mettagrid.wrappers.games import resolve_game
from metta.mettagrid.wrappers.spaces import ActionReader, ActionSpaceKind, observation_space

Observations = NDArray[Any]
StepResult = tuple[Observations, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]


class MettaGridVectorEnv(VectorEnv[Observations, Any, NDArray[Any]]):
    """``num_envs`` sub-environments stepped by the native engine.

    A sub-environment is an agent: of a game with n agents, n neighbouring sub-environments share a world and end
    together. Returned arrays are not copies, and yet never change later: the engine writes only into arrays that
    nobody holds any more (``BufferPool``).

    Auto-reset: ``NEXT_STEP`` (the action after an end is ignored), ``SAME_STEP`` (the first observation of the next
    episode at once; the last one in ``infos["final_obs"]``) or ``DISABLED`` (``reset(options={"reset_mask": ...})``).

    Shapes (N sub-environments): observations ``[N, T, 3] uint8``, rewards ``[N] float32``, flags ``[N] bool``,
    ``infos["action_mask"] [N, A] int8``.

    Raises:
        ConfigError: unknown game or mode, or ``num_envs`` that is no multiple of the game's agents.

    >>> envs = MettaGridVectorEnv("arena", num_envs=4)
    >>> envs.reset(seed=0)[0].shape
    (4, 200, 3)
    """

    def __init__(
        self,
        game: MettaGridConfig | str = "arena",
        *,
        num_envs: int = 1,
        num_agents: int | None = None,
        num_threads: int = 1,
        max_steps: int | None = None,
        action_space: ActionSpaceKind = "flat",
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
    ) -> None:
        if render_mode not in (None, "rgb_array", "ansi"):
            raise ConfigError(f"render_mode={render_mode!r}, expected None, 'rgb_array' or 'ansi' for a batch.")
        cfg = resolve_game(game, num_agents=num_agents, max_steps=max_steps)
        self.autoreset_mode = _checked_mode(autoreset_mode)
        self.metadata = {"render_modes": ["rgb_array", "ansi"], "autoreset_mode": self.autoreset_mode}
        self.num_envs, self.render_mode = num_envs, render_mode
        batch = _batch_config(cfg, num_envs, num_threads, self.autoreset_mode)
        self._vec = VecEnv(batch, seed=0)
        self._pool = BufferPool(self._vec.spec, num_envs, batch.autoreset == "same_step")
        self._agents = cfg.game.num_agents
        self._reader = ActionReader(ActionTable.from_game(cfg.game), action_space)
        observation, action = observation_space(self._vec.spec), self._reader.single_space()
        self.single_observation_space, self.observation_space = observation, batch_space(observation, num_envs)
        self.single_action_space, self.action_space = action, batch_space(action, num_envs)
        self._all = np.ones(num_envs, dtype=np.bool_)
        self._all.setflags(write=False)
        self._is_reset = False
        self._ended: NDArray[np.bool_] = np.zeros(batch.num_envs, dtype=np.bool_)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Start an episode in each world, or in those of ``options["reset_mask"] [N] bool``.

        One ``seed`` is enough: every world has its own random stream of it.

        Raises:
            EnvError: closed, or a mask before the first whole reset.
            ShapeContractError: a ``reset_mask`` of another dtype or shape, or one that splits a world.
            ConfigError: a list of seeds, or a seed below 0 or beyond 64 bits.
        """
        if isinstance(seed, list):
            raise ConfigError(
                f"seed is a list of {len(seed)}, expected one integer: each world derives its own stream from it."
            )
        seed = None if seed is None else checked_seed(seed)
        super().reset(seed=seed)
        worlds = self._worlds_of(options)
        before, fresh = self._vec.buffers, self._pool.take()
        self._vec.bind(fresh)
        if worlds is None:
            self._vec.reset(int(self.np_random.integers(2**63)) if seed is None else seed)
            self._is_reset = True
            self._ended[:] = False
            self._vec.drain_episodes()
        else:
            fresh.copy_from(before)
            self._restart(worlds)
        batch = self._vec.recv(0)
        return batch.observations, self._infos(batch)

    def step(self, actions: Any) -> StepResult:
        """One tick of every world.

        Raises:
            EnvError: closed, not reset, an action outside the space, or (``DISABLED``) a world that has ended.
            ShapeContractError: actions of another kind or shape.
        """
        if not self._is_reset:
            raise EnvError("step() came before reset(): there is no episode yet. Call reset(seed=...) first.")
        if self.autoreset_mode is AutoresetMode.DISABLED and self._ended.any():
            raise EnvError(
                f"world {int(self._ended.argmax())} has ended and autoreset_mode is DISABLED. Call "
                "reset(options={'reset_mask': terminated | truncated}) first."
            )
        flat = self._reader.read(actions, self.num_envs, engine_checks=True)
        self._vec.bind(self._pool.take())
        self._vec.send(0, flat, strict=self._reader.strict)
        batch = self._vec.recv(0)
        infos = self._infos(batch)
        if self.autoreset_mode is AutoresetMode.DISABLED:
            self._ended = np.all((batch.terminated | batch.truncated).reshape(-1, self._agents), axis=1)
        elif batch.final_observations is not None and any_set(batch.first):
            ended = batch.first & (batch.terminated | batch.truncated)
            infos |= self._final_infos(batch.final_observations, ended)
        return batch.observations, batch.rewards, batch.terminated, batch.truncated, infos

    def action_masks(self) -> NDArray[np.bool_]:
        """What each sub-environment may do now, a copy. Shapes: ``[N, A]`` (flat) or ``[N, F + M]`` (pairs)."""
        return self._reader.mask(self._vec.action_mask)

    def drain_episodes(self) -> list[EpisodeRecord]:
        """Records of the episodes that ended since the last call: length, returns, statistics of every agent."""
        return self._vec.drain_episodes()

    def render(self) -> tuple[Any, ...] | None:
        """One picture a sub-environment: text, or ``[H, W, 3] uint8``; None without a ``render_mode``."""
        if self.render_mode is None:
            return None
        worlds = [self._draw(world) for world in range(self._vec.num_envs)]
        return tuple(worlds[row // self._agents] for row in range(self.num_envs))

    def close_extras(self, **kwargs: Any) -> None:
        """Stop the threads; using the environment afterwards raises ``EnvError``."""
        self._vec.close()

    def _draw(self, world: int) -> Any:
        if self.render_mode == "ansi":
            return self._vec.render(world)
        program = self._vec.program
        kinds = object_kinds(self._vec.game(world))
        return draw_rgb(self._vec.grid_objects(world), program.map_width, program.map_height, kinds=kinds)

    def _infos(self, batch: StepBatch) -> dict[str, Any]:
        assert batch.action_mask is not None
        mask = batch.action_mask if self._reader.strict else self._reader.mask(batch.action_mask)
        return {"action_mask": mask.view(np.int8), "_action_mask": self._all}

    def _final_infos(self, final_observations: NDArray[Any], ended: NDArray[np.bool_]) -> dict[str, Any]:
        """SAME_STEP: what the ended worlds showed last, as Gymnasium's own vectorisers tell it."""
        final_obs = np.full(self.num_envs, None, dtype=object)
        for row in np.flatnonzero(ended):
            final_obs[row] = final_observations[row]
        return {"final_obs": final_obs, "_final_obs": ended, "final_info": {}, "_final_info": ended}

    def _restart(self, worlds: NDArray[np.bool_]) -> None:
        for world in np.flatnonzero(worlds):
            self._vec.begin_next(int(world))
        self._ended[worlds] = False

    def _worlds_of(self, options: dict[str, Any] | None) -> NDArray[np.bool_] | None:
        """The worlds that ``options["reset_mask"]`` names; None for all."""
        given = (options or {}).get("reset_mask")
        if given is None:
            return None
        mask: NDArray[Any] = np.asarray(given)
        if given is not mask or mask.dtype != np.bool_ or mask.shape != (self.num_envs,):
            got = f"{mask.dtype}{list(mask.shape)}" if given is mask else type(given).__name__
            raise ShapeContractError(f"options['reset_mask'] is {got}, expected bool[{self.num_envs}].")
        if not self._is_reset:
            raise EnvError("options['reset_mask'] came before the first whole reset. Call reset(seed=...) first.")
        by_world = mask.reshape(-1, self._agents)
        if (by_world.any(axis=1) != by_world.all(axis=1)).any():
            raise ShapeContractError(
                f"options['reset_mask'] resets some agents of a world and not others; the {self._agents} "
                "sub-environments of a world start together."
            )
        return by_world[:, 0]


def _checked_mode(mode: object) -> AutoresetMode:
    """Gymnasium's mode, or the name or value of one, as ``same_step``."""
    modes = {one.value: one for one in AutoresetMode} | {one.name.lower(): one for one in AutoresetMode}
    if isinstance(mode, AutoresetMode):
        return mode
    if isinstance(mode, str) and (found := modes.get(mode) or modes.get(mode.lower())) is not None:
        return found
    raise ConfigError(
        f"autoreset_mode={mode!r}, expected {', '.join(repr(one.name.lower()) for one in AutoresetMode)} or a "
        "gymnasium.vector.AutoresetMode."
    )


def _batch_config(cfg: MettaGridConfig, num_envs: int, num_threads: int, mode: AutoresetMode) -> VecEnvConfig:
    agents = cfg.game.num_agents
    if num_envs < 1 or num_envs % agents:
        raise ConfigError(
            f"num_envs={num_envs} sub-environments are no whole worlds of the game {cfg.label!r}, which has "
            f"{agents} agents. Pass a multiple of {agents}."
        )
    return VecEnvConfig(
        env=cfg,
        num_envs=num_envs // agents,
        num_threads=num_threads,
        num_slots=1,
        desync_episodes=False,
        autoreset="same_step" if mode is AutoresetMode.SAME_STEP else "next_step",
    )
