"""Golden state hashes: what the engine does in a few games, as numbers that must be the same on every machine.

``tests/golden/state_hashes.json`` has, for each game and seed, hashes after some steps: ``returned`` of all that the
agents of an environment were given, ``worlds`` of its state. The second changes with the layout of a world's bytes
too, the first only when a game goes another way. Actions are a function of seed, environment and step alone, so that
any batch, slot and number of threads can be asked for them. ``tools/regenerate_golden.py`` rewrites the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from metta.mettagrid.builder.envs import make_arena, make_arena_sparse
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.maps.map_config import RandomMapConfig
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig

PATH: Final = Path(__file__).resolve().parents[1] / "golden" / "state_hashes.json"
CHECKPOINTS: Final = (1, 20, 150)
SEEDS: Final = (0, 2**63 + 11)
ENVS: Final = 5


def crowded() -> MettaGridConfig:
    """Much happens at once: little room, short times, weapons from the start, episodes that end within the trial."""
    return make_arena(9).replace(
        {
            "game.max_steps": 60,
            "game.objects.mine_red.cooldown": 2,
            "game.objects.generator_red.cooldown": 1,
            "game.agent.initial_inventory": {"laser": 2, "battery_red": 1},
            "game.agent.action_failure_penalty": 0.01,
            "game.map.room_width": 8,
            "game.map.room_height": 8,
        }
    )


def bare() -> MettaGridConfig:
    """A config without a choice of its own: the defaults."""
    return MettaGridConfig().replace({"game.map": RandomMapConfig(width=40, height=31, objects={"wall": 90})})


GAMES: Final[Mapping[str, Callable[[], MettaGridConfig]]] = {
    "arena": make_arena,
    "arena_sparse_1": lambda: make_arena_sparse(1),
    "arena_64": lambda: make_arena(64),
    "crowded": crowded,
    "bare": bare,
}


def actions_of(seed: int, env: int, step: int, agents: int, num_actions: int) -> NDArray[np.int32]:
    """Actions of one environment at one step; now and then one that does not exist. Shapes: ``[agents] int32``."""
    text = f"{seed}/{env}/{step}".encode()
    words = np.frombuffer(hashlib.shake_128(text).digest(2 * agents), dtype="<u2").astype(np.int32)
    return words % (num_actions + words % 2)


@dataclass(frozen=True)
class Hashes:
    """Per checkpoint a list of one hash an environment, 16 hexadecimal digits each."""

    returned: list[list[str]]
    worlds: list[list[str]]


def play(game: str, seed: int, *, num_envs: int = ENVS, threads: int = 1, slots: int = 1) -> Hashes:
    """Play a game and hash it at the checkpoints."""
    config = VecEnvConfig(env=GAMES[game](), num_envs=num_envs, num_threads=threads, num_slots=slots)
    env, found = make_vec_env(config, seed), Hashes([], [])
    agents, num_actions = env.spec.num_agents, env.spec.num_actions
    for step in range(1, CHECKPOINTS[-1] + 1):
        rows = [actions_of(seed, index, step, agents, num_actions) for index in range(num_envs)]
        actions = np.concatenate(rows)
        for slot in range(slots):
            env.send(slot, actions[env.recv(slot).rows])
        if step in CHECKPOINTS:
            for slot in range(slots):
                env.recv(slot)
            found.returned.append(_hashes_of_rows(env))
            found.worlds.append([f"{env.state_hash(index):016x}" for index in range(num_envs)])
    env.close()
    return found


def _hashes_of_rows(env: VecEnv) -> list[str]:
    arrays = (env.observations, env.rewards, env.terminated, env.truncated, env.first, env.action_mask)
    digests = [hashlib.sha256() for _ in range(env.num_envs)]
    for array in (*arrays, env.action_success, env.used_tokens):
        portable = array.astype(array.dtype.newbyteorder("<")).reshape(env.num_envs, -1)
        for digest, row in zip(digests, portable, strict=True):
            digest.update(row.tobytes())
    return [digest.hexdigest()[:16] for digest in digests]


def golden_text() -> str:
    """The file's contents as the engine has it now."""
    table = {f"{game}, seed {seed}": asdict(play(game, seed)) for game in GAMES for seed in SEEDS}
    lines = [f" {json.dumps(name)}: {json.dumps(entry)}" for name, entry in table.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
