"""MettaGrid as a TorchRL environment: a native batch of worlds, agents grouped by team. Needs the extra ``torchrl``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tensordict import TensorDict, TensorDictBase
from torch import Tensor
from torchrl.data import Binary, Bounded, Categorical, Composite, MultiCategorical, Unbounded
from torchrl.envs import EnvBase

from metta.common.errors import ConfigError, EnvError, ShapeContractError
from metta.common.vector_env import EpisodeRecord, StepBatch
from metta.mettagrid.action_table import ActionTable
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.maps.legend import AGENT
from metta.mettagrid.vec_env import VecEnv
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.mettagrid.wrappers.buffer_pool import BufferPool
from metta.mettagrid.wrappers.games import resolve_game
from metta.mettagrid.wrappers.spaces import ActionReader, ActionSpaceKind

_DONE_KEYS = ("done", "terminated", "truncated")


class MettaGridTorchRLEnv(EnvBase):
    """``num_envs`` worlds stepped by one native call; every group of agents has its own nested TensorDict.

    Groups are the game's teams, or ``group_map`` (name -> agents ``agent_0 ..``). Keys: ``(group, "observation")``,
    ``(group, "action_mask")``, ``(group, "action")``, ``(group, "reward")`` and done flags, per group and for the whole
    world (done when all its agents are). Returned tensors never change later. Worlds are reset one by one by TorchRL's
    ``_reset`` masks; a world that has ended must be, before it is stepped again.

    Shapes (E worlds, n agents of a group): observation ``[E, n, T, 3] uint8``, action ``[E, n] int64`` (``flat``) or
    ``[E, n, 2]`` (``multi``), action_mask ``[E, n, A] bool``, reward ``[E, n, 1] float32``, flags ``[E, n, 1]`` and
    ``[E, 1] bool``.

    Args:
        mask_random_actions: ``rand_action`` draws what is allowed only (``flat``).

    Raises:
        ConfigError: an unknown game, or a ``group_map`` that does not name each agent once.

    >>> env = MettaGridTorchRLEnv("arena", num_agents=3, num_envs=2)
    >>> env.rollout(5)["agent", "observation"].shape
    torch.Size([2, 5, 3, 200, 3])
    """

    def __init__(
        self,
        game: MettaGridConfig | str = "arena",
        *,
        num_agents: int | None = None,
        num_envs: int = 1,
        num_threads: int = 1,
        max_steps: int | None = None,
        action_space: ActionSpaceKind = "flat",
        group_map: Mapping[str, Sequence[str]] | None = None,
        mask_random_actions: bool = True,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(device=device, batch_size=torch.Size([num_envs]), allow_done_after_reset=True)
        cfg = resolve_game(game, num_agents=num_agents, max_steps=max_steps)
        config = VecEnvConfig(env=cfg, num_envs=num_envs, num_threads=num_threads, num_slots=1, desync_episodes=False)
        self._vec = VecEnv(config, seed)
        self._vec.recv(0)
        self._pool = BufferPool(self._vec.spec, config.num_rows)
        self._reader = ActionReader(ActionTable.from_game(cfg.game), action_space)
        self._mask_random_actions = mask_random_actions and self._reader.strict
        self._agents = cfg.game.num_agents
        self.group_map = _checked_groups(group_map, self._agents) if group_map else _teams(self._vec, self._agents)
        self._rows = {name: _rows_of(agents, self._agents) for name, agents in self.group_map.items()}
        self._flat = np.zeros((num_envs, self._agents, *(() if self._reader.strict else (2,))), dtype=np.int32)
        self._world_seed, self._is_seeded, self._is_reset = seed, True, False
        self._ended: NDArray[np.bool_] = np.zeros(num_envs, dtype=np.bool_)
        self._make_specs()

    def drain_episodes(self) -> list[EpisodeRecord]:
        """Records of the episodes that ended since the last call."""
        return self._vec.drain_episodes()

    def close(self, *, raise_if_closed: bool = True) -> None:
        """Stop the threads; using the environment afterwards raises ``EnvError``."""
        self._vec.close()
        super().close(raise_if_closed=raise_if_closed)

    def _set_seed(self, seed: int | None) -> None:
        if seed is not None:
            self._world_seed, self._is_seeded = seed, True

    def _reset(self, tensordict: TensorDictBase | None = None, **kwargs: Any) -> TensorDictBase:
        """Whole after a new seed: episode 0 of it. Else the next episode of the worlds in ``_reset``, or of all."""
        mask = None if tensordict is None else tensordict.get("_reset", None)
        worlds = np.ones(self.num_worlds, dtype=np.bool_) if mask is None else mask.reshape(-1).cpu().numpy()
        before, fresh = self._vec.buffers, self._pool.take()
        self._vec.bind(fresh)
        if self._is_seeded and worlds.all():
            self._vec.reset(self._world_seed)
            self._is_seeded = False
        else:
            fresh.copy_from(before)
            for world in np.flatnonzero(worlds):
                self._vec.begin_next(int(world))
        self._ended[worlds] = False
        self._is_reset = True
        return self._observed(self._vec.recv(0))

    def _step(self, tensordict: TensorDictBase) -> TensorDictBase:
        if not self._is_reset:
            raise EnvError("step() came before reset(): there is no episode yet. Call reset() first.")
        if self._ended.any():
            raise EnvError(
                f"world {int(self._ended.argmax())} has ended and was not reset. Use step_and_maybe_reset, or reset it "
                "with a '_reset' mask."
            )
        for group, rows in self._rows.items():
            self._flat[:, rows] = self._actions_of(group, tensordict.get((group, "action")), rows)
        flat = self._flat.reshape(self._vec.num_rows, *self._flat.shape[2:])
        actions = self._reader.read(flat, self._vec.num_rows, engine_checks=True)
        self._vec.bind(self._pool.take())
        self._vec.send(0, actions, strict=self._reader.strict)
        batch = self._vec.recv(0)
        self._ended = np.all((batch.terminated | batch.truncated).reshape(-1, self._agents), axis=1)
        result = self._observed(batch)
        rewards = self._split(batch.rewards)
        for group in self.group_map:
            result.set((group, "reward"), rewards[group].unsqueeze(-1))
        return result

    @property
    def num_worlds(self) -> int:
        """Worlds of the batch, its only batch dimension."""
        return self._vec.num_envs

    def _actions_of(self, group: str, actions: Tensor, rows: NDArray[np.intp] | slice) -> NDArray[np.int64]:
        expected = self._flat[:, rows].shape
        if actions.dtype.is_floating_point or actions.dtype == torch.bool or actions.shape != expected:
            raise ShapeContractError(
                f"({group!r}, 'action') is {actions.dtype}{list(actions.shape)} on {actions.device}, expected integers "
                f"{list(expected)}. Sample from env.action_spec, or cast with .long()."
            )
        bound = 2**31 - 1  # beyond it a number would come back as another, valid one
        return actions.detach().cpu().clamp(-1, bound).numpy()

    def _observed(self, batch: StepBatch) -> TensorDict:
        """Observations, masks and done flags of all groups."""
        assert batch.action_mask is not None
        done = {
            "terminated": batch.terminated,
            "truncated": batch.truncated,
            "done": batch.terminated | batch.truncated,
        }
        parts = {"observation": self._split(batch.observations), "action_mask": self._split(batch.action_mask)}
        parts |= {
            key: {name: part.unsqueeze(-1) for name, part in self._split(done[key]).items()} for key in _DONE_KEYS
        }
        groups = {
            name: TensorDict(
                {key: part[name] for key, part in parts.items()}, batch_size=[*self.batch_size, len(agents)]
            )
            for name, agents in self.group_map.items()
        }
        if self._mask_random_actions:
            for name, group in groups.items():
                spec = self.full_action_spec[name, "action"]
                assert isinstance(spec, Categorical)
                spec.update_mask(group["action_mask"])
        by_world = {key: done[key].reshape(-1, self._agents) for key in _DONE_KEYS}
        ended = np.all(by_world["done"], axis=1)
        cut = ended & np.any(by_world["truncated"], axis=1)
        whole: dict[str, NDArray[np.bool_]] = {"done": ended, "truncated": cut, "terminated": ended & ~cut}
        root = {key: self._tensor(value[:, np.newaxis]) for key, value in whole.items()}
        return TensorDict({**groups, **root}, batch_size=self.batch_size, device=self.device)

    def _split(self, array: NDArray[Any]) -> dict[str, Tensor]:
        """Rows of the batch as one tensor a group, ``[E, n, ...]``; a single group shares the array."""
        tensor = self._tensor(array.reshape(-1, self._agents, *array.shape[1:]))
        return {group: tensor[:, rows] for group, rows in self._rows.items()}

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def _make_specs(self) -> None:
        spec, worlds, device = self._vec.spec, self.num_worlds, self.device
        observations, actions, rewards = (Composite(shape=torch.Size([worlds]), device=device) for _ in range(3))
        dones = Composite(_flags([worlds, 1], device), shape=torch.Size([worlds]), device=device)
        for group, agents in self.group_map.items():
            shape = torch.Size([worlds, len(agents)])
            seen = Bounded(0, 255, torch.Size([*shape, *spec.obs_shape]), dtype=torch.uint8, device=device)
            mask = Binary(shape=torch.Size([*shape, spec.num_actions]), dtype=torch.bool, device=device)
            reward = Unbounded(torch.Size([*shape, 1]), dtype=torch.float32, device=device)
            observations[group] = Composite({"observation": seen, "action_mask": mask}, shape=shape, device=device)
            actions[group] = Composite({"action": self._action_spec(shape)}, shape=shape, device=device)
            rewards[group] = Composite({"reward": reward}, shape=shape, device=device)
            dones[group] = Composite(_flags([*shape, 1], device), shape=shape, device=device)
        self.observation_spec, self.action_spec = observations, actions
        self.reward_spec, self.done_spec = rewards, dones

    def _action_spec(self, shape: torch.Size) -> Categorical | MultiCategorical:
        if self._reader.strict:
            return Categorical(self._reader.table.num_actions, shape, dtype=torch.int64, device=self.device)
        return MultiCategorical(
            self._reader.table.shape, torch.Size([*shape, 2]), dtype=torch.int64, device=self.device
        )


def _flags(shape: list[int], device: torch.device | None) -> dict[str, Categorical]:
    return {key: Categorical(2, torch.Size(shape), dtype=torch.bool, device=device) for key in _DONE_KEYS}


def _teams(vec: VecEnv, agents: int) -> dict[str, list[str]]:
    """The game's groups, as the first world has them."""
    groups: dict[str, list[str]] = {}
    team_of = {thing["agent_id"]: thing["group"] for thing in vec.grid_objects(0) if thing["type"] == AGENT}
    for agent in range(agents):
        groups.setdefault(team_of[agent], []).append(f"agent_{agent}")
    return groups


def _checked_groups(group_map: Mapping[str, Sequence[str]], agents: int) -> dict[str, list[str]]:
    named = [agent for members in group_map.values() for agent in members]
    if sorted(named) != sorted(f"agent_{i}" for i in range(agents)):
        raise ConfigError(
            f"group_map names {sorted(named)}, expected each of agent_0 .. agent_{agents - 1} in exactly one group."
        )
    return {name: list(members) for name, members in group_map.items()}


def _rows_of(members: list[str], agents: int) -> NDArray[np.intp] | slice:
    """Agent indices of a group; a slice, which copies nothing, where it is all of them."""
    rows = [int(agent.removeprefix("agent_")) for agent in members]
    return slice(None) if rows == list(range(agents)) else np.array(rows)
