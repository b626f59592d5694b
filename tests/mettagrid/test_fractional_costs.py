"""Costs with fractions are drawn from streams: the same for any number of threads, after a restore, and in a replay."""

from __future__ import annotations

import numpy as np
import pytest

from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from tests.mettagrid.strategies import Play

STEPS = 60
FAMILIES = ("move", "rotate", "attack", "swap", "change_color", "change_glyph", "shield", "share", "transfer")


def game() -> MettaGridConfig:
    """Everything that agents do costs fractions of two resources."""
    prices = {"energy": 0.25, "ore": 0.125}
    actions = {name: {"enabled": True, "consumed_resources": prices} for name in FAMILIES}
    return MettaGridConfig.model_validate(
        {
            "game": {
                "resource_names": ("energy", "ore"),
                "num_agents": 6,
                "max_steps": 25,
                "agent": {"initial_inventory": {"energy": 40, "ore": 40}, "freeze_duration": 2},
                "actions": {
                    **actions,
                    "share": actions["share"] | {"shareable_resources": ("ore",)},
                    "transfer": actions["transfer"] | {"amounts": {"energy": 1}},
                },
                "map": {"type": "random", "width": 7, "height": 7, "border_width": 0},
            }
        }
    )


def make(threads: int = 1, num_envs: int = 4) -> VecEnv:
    batch = VecEnvConfig(env=game(), num_envs=num_envs, num_threads=threads, num_slots=1, desync_episodes=True)
    return make_vec_env(batch, seed=3)


def play_on(env: VecEnv, play: Play, steps: int) -> list[bytes]:
    """All that comes back, and the worlds' hashes."""
    seen: list[bytes] = []
    for _ in range(steps):
        env.send(0, play(env.recv(0)))
        batch = env.recv(0)
        hashes = np.array([env.state_hash(i) for i in range(env.num_envs)], dtype=np.uint64)
        seen.append(b"".join(a.tobytes() for a in (batch.observations, batch.rewards, batch.first, hashes)))
    return seen


@pytest.mark.parametrize("threads", [2, 3])
def test_any_number_of_threads_draws_the_same(threads: int) -> None:
    one, more = make(), make(threads)
    assert play_on(one, Play(1), STEPS) == play_on(more, Play(1), STEPS)
    one.close()
    more.close()


def test_a_restored_batch_draws_the_same_again() -> None:
    env, other = make(), make(threads=2)
    play_on(env, Play(1), 10)
    snapshot = env.snapshot()
    future = play_on(env, Play(2), 40)
    for again in (env, other):
        again.restore(snapshot)
        assert play_on(again, Play(2), 40) == future
    env.close()
    other.close()


def test_recorded_actions_replay_to_the_same_bytes() -> None:
    """A replay is the config, the seed and the actions; an environment alone plays as it does beside others."""
    batch, alone, play = make(), make(num_envs=1), Play(1)
    for _ in range(STEPS):
        actions = play(batch.recv(0))
        alone.recv(0)
        batch.send(0, actions)
        alone.send(0, actions[:6])
        batch.recv(0)
        alone.recv(0)
        assert alone.state_hash(0) == batch.state_hash(0)
    batch.close()
    alone.close()


def test_fractions_are_paid_as_often_as_they_say() -> None:
    env = make(num_envs=32)
    play_on(env, Play(5), 120)
    paid, times = 0.0, 0.0
    for record in env.drain_episodes():
        times += sum(float(record.agent_stats[f"action.{name}.success"].sum()) for name in FAMILIES)
        given = record.agent_stats["share.given.ore"].sum() + record.agent_stats["attack.stolen.ore"].sum()
        paid += float(record.agent_stats["ore.lost"].sum() - given)
    assert times > 5_000
    # a binomial of 0.125: five standard deviations of the mean
    assert abs(paid / times - 0.125) < 5 * (0.125 * 0.875 / times) ** 0.5
    env.close()
