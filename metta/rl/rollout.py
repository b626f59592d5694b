"""Filling the experience: inference for one slot of environments while native threads step the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from metta.common.errors import NotANumberError
from metta.common.stopwatch import Stopwatch
from metta.common.vector_env import StepBatch, VectorEnv
from metta.rl.context import RolloutStats, check_stop
from metta.rl.episode_metrics import summarize_episodes
from metta.rl.experience import Experience
from metta.rl.loss.base import Loss
from metta.rl.staging import Staging

if TYPE_CHECKING:
    from metta.agent.policy import Policy
    from metta.rl.signals import StopFlag


@torch.inference_mode()
def collect(
    env: VectorEnv,
    policy: Policy,
    experience: Experience,
    *,
    generator: torch.Generator,
    stopwatch: Stopwatch,
    stop: StopFlag,
    acting: Sequence[Loss[Any]] = (),
) -> RolloutStats:
    """Play ``experience.num_steps`` steps of every row and write them down.

    What an action earned arrives one ``recv`` later, so each step writes the outcome of the one before::

        recv(0) -> outcome of t-1 -> act -> write t -> send(0) -> recv(1) ...      at the end: recv -> bootstrap

    ``acting`` are losses that have a word in what is played and recorded, such as imitation of a teacher.

    Raises:
        StopRequested: a signal came; the experience is incomplete and the epoch has to be done again.
        NotANumberError: an observation is NaN or infinite.
    """
    for step in range(experience.num_steps):
        check_stop(stop)
        for slot in range(env.num_slots):
            with stopwatch("rollout.env"):
                batch = env.recv(slot)
            if step > 0:
                _write_outcome(experience, step - 1, batch)
            with stopwatch("rollout.inference"):
                actions = _act(policy, experience, step, batch, generator, acting)
            with stopwatch("rollout.env"):
                env.send(slot, experience.staging.fetch(slot, actions))
    for slot in range(env.num_slots):
        with stopwatch("rollout.env"):
            batch = env.recv(slot)
        _write_outcome(experience, experience.num_steps - 1, batch)
        with stopwatch("rollout.inference"):
            experience.bootstrap[batch.rows] = policy.values_only(_policy_inputs(batch, experience.staging))
    return summarize_episodes(env.drain_episodes(), agent_steps=experience.num_rows * experience.num_steps)


def _act(
    policy: Policy,
    experience: Experience,
    step: int,
    batch: StepBatch,
    generator: torch.Generator,
    acting: Sequence[Loss[Any]],
) -> Tensor:
    rows = batch.rows
    if step % experience.horizon == 0:
        experience.write_memory(step, rows, policy.memory)  # before the policy resets the rows that are `first`
    inputs = _policy_inputs(batch, experience.staging)
    td = policy.act(dict(inputs) if acting else inputs, generator=generator)
    for loss in acting:
        loss.act(inputs, td)
    td["valid"] = experience.staging.put(batch.slot, "valid", ~(batch.terminated | batch.truncated))
    experience.write_step(step, rows, {key: td[key] for key in experience.written_keys})
    return td["action"]


def _policy_inputs(batch: StepBatch, staging: Staging) -> dict[str, Any]:
    observations = staging.put(batch.slot, "env_obs", batch.observations)
    if observations.is_floating_point():
        _check_observations(batch)
        # Matrix kernels may sum in another order for memory that is aligned otherwise; torch's own is always alike.
        observations = observations.clone()
    inputs: dict[str, Any] = {
        "env_obs": observations,
        "first": staging.put(batch.slot, "first", batch.first),
        "rows": batch.rows,
    }
    if batch.action_mask is not None:
        inputs["action_mask"] = staging.put(batch.slot, "action_mask", batch.action_mask)
    return inputs


def _check_observations(batch: StepBatch) -> None:
    """Before the policy sees them: what it would do with NaN is no action that an environment could take."""
    finite = np.isfinite(batch.observations)
    if not finite.all():
        rows = np.flatnonzero(~finite.reshape(len(finite), -1).all(axis=1)) + batch.rows.start
        bad = f"{finite.size - int(finite.sum())} of {finite.size} numbers in the rollout's 'env_obs'"
        raise NotANumberError(
            f"{bad} are NaN or infinite (agents {rows.tolist()[:5]}): the environment gave them as observations. "
            "Mend it, or clip them in a wrapper."
        )


def _write_outcome(experience: Experience, step: int, batch: StepBatch) -> None:
    put = experience.staging.put
    outcome = {name: put(batch.slot, name, getattr(batch, name)) for name in ("rewards", "terminated", "truncated")}
    experience.write_step(step, batch.rows, outcome)
