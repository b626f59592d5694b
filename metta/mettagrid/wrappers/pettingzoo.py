"""MettaGrid as a PettingZoo environment: parallel by nature, AEC through PettingZoo's own converter."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from gymnasium.utils import seeding
from numpy.typing import NDArray
from pettingzoo import AECEnv, ParallelEnv  # pyright: ignore[reportMissingTypeStubs] - it is typed inline
from pettingzoo.utils.conversions import parallel_to_aec  # pyright: ignore[reportMissingTypeStubs]

from metta.common.errors import EnvError, ShapeContractError
from metta.common.vector_env import EpisodeRecord, StepBatch
from metta.common.whole_number import checked_seed
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.spec import state_channels
from metta.mettagrid.wrappers.games import resolve_game
from metta.mettagrid.wrappers.spaces import ActionSpaceKind, observation_space
from metta.mettagrid.wrappers.world_session import RENDER_FPS, RENDER_MODES, RenderMode, WorldSession, stats_of

Observations = dict[str, NDArray[Any]]
Infos = dict[str, dict[str, Any]]
StepResult = tuple[Observations, dict[str, float], dict[str, bool], dict[str, bool], Infos]


class MettaGridPettingZooEnv(ParallelEnv[str, NDArray[Any], Any]):
    """A game of agents ``agent_0 .. agent_{n-1}``. Returned arrays are copies: they never change later.

    ``agents`` are those that are there: one that terminates leaves the list, one that enters later joins it when it
    comes. ``infos[agent]``: ``action_mask`` (as ``action_space(agent).sample`` takes it) and, at the episode's end,
    ``stats``. ``state()`` is the whole map.

    Shapes: observation ``[T, 3] uint8``; action an integer (``flat``) or ``(family, argument)`` (``multi``);
    state ``[C, H, W] uint8`` (``state_channels`` names its planes, ``docs/observations.md``).

    Raises:
        ConfigError: an unknown game or one that the engine refuses.

    >>> env = MettaGridPettingZooEnv("arena", num_agents=2)
    >>> observations, infos = env.reset(seed=0)
    >>> sorted(observations), infos["agent_1"]["action_mask"].shape
    (['agent_0', 'agent_1'], (14,))
    """

    metadata: ClassVar[dict[str, Any]] = {  # pyright: ignore[reportIncompatibleVariableOverride] - one for the class
        "name": "mettagrid_v0",
        "render_modes": list(RENDER_MODES),
        "render_fps": RENDER_FPS,
        "is_parallelizable": True,
    }

    def __init__(
        self,
        game: MettaGridConfig | str = "arena",
        *,
        num_agents: int | None = None,
        max_cycles: int | None = None,
        action_space: ActionSpaceKind = "flat",
        render_mode: RenderMode | None = None,
    ) -> None:
        cfg = resolve_game(game, num_agents=num_agents, max_steps=max_cycles)
        self._session = WorldSession(cfg, title=cfg.label, action_space=action_space, render_mode=render_mode)
        self.render_mode = render_mode
        self.possible_agents = [f"agent_{i}" for i in range(cfg.game.num_agents)]
        self.agents: list[str] = []
        self._index = {agent: i for i, agent in enumerate(self.possible_agents)}
        self._observation_spaces = {agent: observation_space(self._session.spec) for agent in self.possible_agents}
        self._action_spaces = {agent: self._session.actions.single_space() for agent in self.possible_agents}
        self.state_channels = state_channels(cfg.game)
        self.state_space = spaces.Box(0, 255, (len(self.state_channels), *self._session.env.map_size), np.uint8)
        self._random: np.random.Generator | None = None

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """The same object for the same agent, always."""
        return self._observation_spaces[self._known(agent)]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """The same object for the same agent, always: each has its own random generator."""
        return self._action_spaces[self._known(agent)]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observations, Infos]:
        """Start an episode; without ``seed`` the next one of the last seed's sequence. ``options`` are not used.

        Raises:
            EnvError: closed.
            ConfigError: a seed below 0 or beyond 64 bits.
        """
        seed = None if seed is None else checked_seed(seed)
        if seed is not None or self._random is None:
            self._random, _ = seeding.np_random(seed)
        batch = self._session.reset(int(self._random.integers(2**63)) if seed is None else seed)
        self.agents = self._present(batch)
        self._draw()
        return self._observations(batch, self.agents), self._infos(batch, self.agents, None)

    def step(self, actions: dict[str, Any]) -> StepResult:
        """One tick with one action for each of ``agents``.

        Raises:
            EnvError: closed, not reset, after the end, a missing or surplus agent, or an action outside the space.
            ShapeContractError: an action of another kind or shape.
        """
        self._session.check_running()
        batch = self._session.step(self._flat(actions))
        before = set(self.agents)
        present = self._present(batch)
        seen = [agent for agent in self.possible_agents if agent in before or agent in present]
        rows = [self._index[agent] for agent in seen]
        record = None if present else self._session.end()
        self.agents = present
        self._draw()
        return (
            self._observations(batch, seen),
            dict(zip(seen, batch.rewards[rows].tolist(), strict=True)),
            dict(zip(seen, batch.terminated[rows].tolist(), strict=True)),
            dict(zip(seen, batch.truncated[rows].tolist(), strict=True)),
            self._infos(batch, seen, record),
        )

    def state(self) -> NDArray[np.uint8]:
        """Everything on the map, a new array. Shapes: ``[C, H, W] uint8``.

        Raises:
            EnvError: closed.
        """
        return self._session.global_state()

    def action_mask(self, agent: str) -> NDArray[np.bool_]:
        """What an agent may do now, a copy. Shapes: ``[A]`` (flat) or ``[F + M]`` (pairs) ``bool``."""
        mask = self._session.env.batch.action_mask
        assert mask is not None
        return self._session.actions.mask(mask[self._index[self._known(agent)]])

    def render(self) -> Any:
        """The map as text (``ansi``), as ``[H, W, 3] uint8`` (``rgb_array``), or into the terminal (``human``)."""
        return None if self.render_mode == "human" else self._session.render()

    def close(self) -> None:
        """Using the environment afterwards raises ``EnvError``; closing twice is fine."""
        self._session.close()

    def _present(self, batch: StepBatch) -> list[str]:
        gone = (batch.terminated | batch.truncated).tolist()
        return [agent for agent, is_gone in zip(self.possible_agents, gone, strict=True) if not is_gone]

    def _observations(self, batch: StepBatch, agents: list[str]) -> Observations:
        return {agent: batch.observations[self._index[agent]].copy() for agent in agents}

    def _infos(self, batch: StepBatch, agents: list[str], record: EpisodeRecord | None) -> Infos:
        assert batch.action_mask is not None
        masks, sample_mask = batch.action_mask, self._session.actions.sample_mask
        infos: Infos = {agent: {"action_mask": sample_mask(masks[self._index[agent]])} for agent in agents}
        if record is not None:
            for agent in agents:
                infos[agent]["stats"] = stats_of(record, self._index[agent])
        return infos

    def _flat(self, actions: dict[str, Any]) -> NDArray[np.int32]:
        """Flat actions of all rows; agents that are away do nothing."""
        if not isinstance(actions, dict):  # pyright: ignore[reportUnnecessaryIsInstance] - users pass lists
            raise ShapeContractError(f"actions is a {type(actions).__name__}, expected a dict of agent -> action.")
        if actions.keys() != set(self.agents):
            missing = [agent for agent in self.agents if agent not in actions]
            surplus = [agent for agent in actions if agent not in self.agents]
            raise EnvError(
                f"actions lack {missing} and have {surplus} too many; expected exactly the agents that are there: "
                f"{self.agents}. Build them from env.agents."
            )
        reader = self._session.actions
        flat = np.zeros(len(self.possible_agents), dtype=np.int32)
        for agent, action in actions.items():
            flat[self._index[agent]] = reader.read_one(action, f"actions[{agent!r}]")
        return flat

    def _known(self, agent: str) -> str:
        if agent not in self._index:
            raise EnvError(f"agent {agent!r} is not in this game, which has agent_0 .. agent_{len(self._index) - 1}.")
        return agent

    def _draw(self) -> None:
        if self.render_mode == "human":
            self._session.render()


def parallel_env(**kwargs: Any) -> MettaGridPettingZooEnv:
    """The environment under the name by which PettingZoo's tools look for it."""
    return MettaGridPettingZooEnv(**kwargs)


def env(**kwargs: Any) -> AECEnv[str, NDArray[Any], Any]:
    """The same environment turn by turn, through PettingZoo's converter."""
    return parallel_to_aec(MettaGridPettingZooEnv(**kwargs))
