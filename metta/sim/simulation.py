"""Plays whole episodes of one simulation on a batch of environments, for one policy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from metta.agent.policy import ActingPolicy
from metta.common.env_spec import EnvSpec
from metta.common.errors import EnvError
from metta.common.seeding import derive_seed
from metta.common.vector_env import EpisodeRecord, StepBatch, VectorEnv
from metta.envs.env_config import make_env
from metta.sim.simulation_config import SimulationConfig

Progress = Callable[[float], None]
"""Called now and then with the fraction of a simulation that is done, 0 to 1."""

_PROGRESS_STEPS = 25


class PolicyDriver:
    """Turns a batch of observations into actions: moves tensors, keeps the seeded generator. Never builds a graph."""

    def __init__(self, policy: ActingPolicy, num_rows: int, *, seed: int, greedy: bool) -> None:
        self._policy = policy
        self._greedy = greedy
        self._generator = torch.Generator(device=policy.device)
        self._generator.manual_seed(seed)
        policy.init_memory(num_rows)

    def __call__(self, batch: StepBatch) -> np.ndarray[Any, np.dtype[np.int32]]:
        """Actions ``[b] int32`` for the rows of ``batch``."""
        device = self._policy.device
        td: dict[str, Any] = {
            "env_obs": torch.from_numpy(batch.observations).to(device),
            "first": torch.from_numpy(batch.first).to(device),
            "rows": batch.rows,
        }
        if batch.action_mask is not None:
            td["action_mask"] = torch.from_numpy(batch.action_mask).to(device)
        with torch.inference_mode():
            out = self._policy.act(td, generator=self._generator, greedy=self._greedy)
        return out["action"].to(device="cpu", dtype=torch.int32).numpy()


def run_simulation(
    simulation: SimulationConfig,
    make_policy: Callable[[EnvSpec], ActingPolicy],
    *,
    seed: int,
    greedy: bool = False,
    on_progress: Progress | None = None,
) -> list[EpisodeRecord]:
    """Play ``simulation.num_episodes`` whole episodes; every environment plays its share, so short episodes are not
    preferred.

    Args:
        make_policy: makes or loads the policy for the environment's spec; called once.
        seed: decides worlds and action sampling. Simulations of one evaluation get the same worlds for all policies.
        greedy: take the likeliest action instead of sampling.

    Returns:
        Episodes ordered by (episode, environment), equal for equal arguments and torch threads, however many
        environment threads step them.

    Raises:
        EnvError: ``max_time_s`` passed before all episodes had ended.
    """
    env = make_env(simulation.env_config(), derive_seed(seed, "simulation", simulation.key, "worlds"))
    try:
        env.reset(derive_seed(seed, "simulation", simulation.key, "worlds"))
        driver = PolicyDriver(
            make_policy(env.spec),
            env.num_rows,
            seed=derive_seed(seed, "simulation", simulation.key, "actions"),
            greedy=greedy,
        )
        return _play(simulation, env, driver, on_progress)
    finally:
        env.close()


def _play(
    simulation: SimulationConfig, env: VectorEnv, driver: PolicyDriver, on_progress: Progress | None
) -> list[EpisodeRecord]:
    wanted, batch_size = simulation.num_episodes, simulation.batch_size
    quota = [wanted // batch_size + (index < wanted % batch_size) for index in range(batch_size)]
    longest = simulation.max_steps * max(quota)
    episodes: list[EpisodeRecord] = []
    started, step = time.monotonic(), 0
    while True:
        for slot in range(env.num_slots):
            env.send(slot, driver(env.recv(slot)))
        for slot in range(env.num_slots):  # all have stepped: drained episodes do not depend on timing
            env.recv(slot)
        step += 1
        episodes += [record for record in env.drain_episodes() if record.episode < quota[record.env]]
        if on_progress is not None and step % _PROGRESS_STEPS == 0:
            on_progress(min(1.0, max(len(episodes) / wanted, step / longest if longest else 0.0)))
        if len(episodes) == wanted:
            if on_progress is not None:
                on_progress(1.0)
            return sorted(episodes, key=lambda record: (record.episode, record.env))
        if simulation.max_time_s is not None and time.monotonic() - started > simulation.max_time_s:
            raise EnvError(
                f"simulation {simulation.key}: {len(episodes)} of {wanted} episodes ended within "
                f"max_time_s={simulation.max_time_s:g} seconds. A part of them would be a biased sample; raise "
                "max_time_s or lower num_episodes."
            )
