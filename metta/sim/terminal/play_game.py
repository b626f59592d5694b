"""A game that a person and a policy play together: the person steers one agent, the policy all others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from metta.agent.policy import ActingPolicy
from metta.common.env_spec import EnvSpec
from metta.common.seeding import derive_seed
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.replay.format import Replay
from metta.mettagrid.replay.tally import Tally
from metta.mettagrid.replay.writer import ReplayRecorder
from metta.sim.simulation import PolicyDriver
from metta.sim.terminal.frame import GameFrame, make_frame


class PlayGame:
    """Steps a game with the person's action put in the place of the policy's.

    Every episode is a fresh environment with a seed of its own, so that its recording starts at the beginning.
    """

    def __init__(
        self,
        config: MettaGridConfig,
        make_policy: Callable[[EnvSpec], ActingPolicy],
        *,
        seed: int,
        greedy: bool = False,
        policy: str = "",
    ) -> None:
        self.config = config
        self.selected = 0
        self.episode = -1
        self._make_policy = make_policy
        self._seed, self._greedy, self._policy = seed, greedy, policy
        self._env: MettaGridEnv | None = None
        self.restart()

    def restart(self) -> None:
        """Start the next episode."""
        self.close()
        self.episode += 1
        self.env = self._env = MettaGridEnv(self.config, seed=derive_seed(self._seed, "play", self.episode))
        self.spec = self.env.spec
        self._batch = self.env.reset()
        self._driver = PolicyDriver(
            self._make_policy(self.spec),
            self.spec.num_agents,
            seed=derive_seed(self._seed, "play", self.episode, "actions"),
            greedy=self._greedy,
        )
        self._recorder = ReplayRecorder(self.env, self.config, policy=f"a person and {self._policy}")
        self.tally = Tally.start(self.spec.num_agents)
        self.step = 0
        self.over = False

    def advance(self, action: str) -> None:
        """One step: ``action`` for the selected agent, the policy's choice for the others. Nothing once it is over."""
        if self.over:
            return
        actions = self._driver(self._batch).astype(np.int32, copy=True)
        actions[self.selected] = self.spec.action_names.index(action)
        self._batch = self.env.step(actions)
        self._recorder.record(actions)
        self.tally.add(actions, self._batch.rewards, self.env.action_success)
        self.step += 1
        self.over = bool(self.env.drain_episodes())

    def select(self, offset: int) -> None:
        """Steer another agent: the policy takes over the one before."""
        self.selected = (self.selected + offset) % self.spec.num_agents

    def attack(self) -> str | None:
        """The attack on the nearest cell ahead where one can succeed, else straight ahead; None in a game without."""
        attacks = [name for name in self.spec.action_names if name.startswith("attack_")]
        mask = self._batch.action_mask
        if mask is not None:
            for name in attacks:
                if mask[self.selected, self.spec.action_names.index(name)]:
                    return name
        return attacks[0] if attacks else None

    def frame(self) -> GameFrame:
        """The world as it is now."""
        return make_frame(self.config, self.spec, self.step, self.env.grid_objects(), self.tally)

    def replay(self) -> Replay:
        """The current episode so far."""
        return self._recorder.finish()

    def close(self) -> None:
        if self._env is not None:
            self._env.close()
            self._env = None
