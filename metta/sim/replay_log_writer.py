"""Records one episode that a policy plays."""

from __future__ import annotations

from collections.abc import Callable

from metta.agent.policy import ActingPolicy
from metta.common.env_spec import EnvSpec
from metta.common.seeding import derive_seed
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.replay.format import Replay
from metta.mettagrid.replay.writer import ReplayRecorder
from metta.sim.simulation import PolicyDriver


def record_episode(
    config: MettaGridConfig,
    make_policy: Callable[[EnvSpec], ActingPolicy],
    *,
    seed: int,
    greedy: bool = False,
    policy: str = "",
    max_steps: int | None = None,
) -> Replay:
    """Play an episode to its end (or ``max_steps``) and return its recording.

    Args:
        make_policy: makes or loads the policy for the environment's spec.
        seed: decides the world and the sampling of actions.
        policy: who plays, for people who open the file.
    """
    env = MettaGridEnv(config, seed=derive_seed(seed, "replay", "world"))
    try:
        batch = env.reset()
        driver = PolicyDriver(
            make_policy(env.spec), env.spec.num_agents, seed=derive_seed(seed, "replay", "actions"), greedy=greedy
        )
        recorder = ReplayRecorder(env, config, policy=policy)
        over = False
        while not over and (max_steps is None or recorder.num_steps < max_steps):
            actions = driver(batch)
            batch = env.step(actions)
            recorder.record(actions)
            over = bool(env.drain_episodes())
        return recorder.finish()
    finally:
        env.close()
