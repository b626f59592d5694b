"""Same config and seed, same bytes: for any number of threads and slots, and in every process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from tests.mettagrid.strategies import Play

ROOT = Path(__file__).resolve().parents[2]


def busy_arena(max_steps: int = 60) -> MettaGridConfig:
    """An arena in which something happens at once: short cooldowns, lasers from the start."""
    return make_arena(7).replace(
        {
            "game.max_steps": max_steps,
            "game.objects.mine_red.cooldown": 2,
            "game.objects.generator_red.cooldown": 1,
            "game.agent.initial_inventory": {"laser": 2, "battery_red": 1},
            "game.map.room_width": 9,
            "game.map.room_height": 9,
        }
    )


def fingerprint(seed: int, num_envs: int, threads: int, slots: int, steps: int = 150, desync: bool = True) -> str:
    """SHA-256 of everything that a batch returns over ``steps`` steps, and of its worlds."""
    config = VecEnvConfig(
        env=busy_arena(), num_envs=num_envs, num_threads=threads, num_slots=slots, desync_episodes=desync
    )
    env, play, digest = make_vec_env(config, seed), Play(seed), hashlib.sha256()
    agents, mask_size = env.spec.num_agents, env.spec.num_actions
    rows = env.num_rows
    for _ in range(steps):
        batches = [env.recv(slot) for slot in range(slots)]
        mask = np.zeros((rows, mask_size), dtype=bool)
        for batch in batches:
            assert batch.action_mask is not None
            mask[batch.rows] = batch.action_mask
            for array in (batch.observations, batch.rewards, batch.terminated, batch.truncated, batch.first):
                digest.update(array.tobytes() if slots == 1 else b"")
        whole = batches[0]
        whole.action_mask = mask
        actions = play(whole)
        for batch in batches:
            env.send(batch.slot, actions[batch.rows])
    for slot in range(slots):
        env.recv(slot)
    assert rows == num_envs * agents
    for index in range(num_envs):
        digest.update(env.state_hash(index).to_bytes(8, "little"))
    for record in sorted(env.drain_episodes(), key=lambda record: (record.env, record.episode)):
        digest.update(repr((record.env, record.episode, record.length, record.partial)).encode())
        digest.update(record.rewards.tobytes())
        for name in sorted(record.agent_stats):
            digest.update(name.encode() + np.asarray(record.agent_stats[name]).tobytes())
    env.close()
    return digest.hexdigest()


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads_change_no_byte(threads: int) -> None:
    assert fingerprint(11, num_envs=6, threads=threads, slots=1) == fingerprint(11, num_envs=6, threads=1, slots=1)


def test_slots_change_no_world_and_no_record() -> None:
    assert fingerprint(11, num_envs=6, threads=2, slots=2) == fingerprint(11, num_envs=6, threads=1, slots=3)


def test_seeds_differ() -> None:
    assert fingerprint(1, num_envs=2, threads=1, slots=1) != fingerprint(2, num_envs=2, threads=1, slots=1)


def test_an_environment_does_not_depend_on_the_size_of_its_batch() -> None:
    def first_world(num_envs: int) -> list[int]:
        config = VecEnvConfig(env=busy_arena(), num_envs=num_envs, num_threads=1, num_slots=1, desync_episodes=True)
        env, hashes = make_vec_env(config, 5), []
        for step in range(70):
            env.recv(0)
            env.send(0, np.full(env.num_rows, step % env.spec.num_actions, dtype=np.int32))
            hashes.append(env.state_hash(0))
        env.close()
        return hashes

    assert first_world(1) == first_world(4)


def test_a_new_episode_is_another_map() -> None:
    config = VecEnvConfig(env=busy_arena(3), num_envs=2, num_threads=1, num_slots=1, desync_episodes=False)
    env = make_vec_env(config, 5)
    maps = [env.render(0), env.render(1)]
    for _ in range(4):
        env.recv(0)
        env.send(0, np.zeros(env.num_rows, dtype=np.int32))
    assert env.recv(0).first.all()
    maps.append(env.render(0))
    env.reset(5)
    assert env.render(0) == maps[0]
    assert len(set(maps)) == 3
    env.close()


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_every_process_gives_the_same_bytes(hash_seed: str) -> None:
    program = (
        "from tests.mettagrid.test_determinism import fingerprint; "
        "print(fingerprint(11, num_envs=2, threads=2, slots=1, steps=70))"
    )
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == fingerprint(11, num_envs=2, threads=1, slots=1, steps=70)
