"""Properties that every game has, whatever its rules: conservation, limits, masks, totals, snapshots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metta.common.vector_env import EpisodeRecord, StepBatch
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from tests.mettagrid.strategies import Play, games
from tests.mettagrid.turnover_strategies import turnovers

SEEDS = st.integers(0, 2**63 - 1)
PLAYS = st.integers(0, 2**32 - 1)
few = settings(max_examples=30, deadline=None, derandomize=True)


def make(config: MettaGridConfig, seed: int, num_envs: int = 1, same_step: bool = False) -> VecEnv:
    mode = "same_step" if same_step else "next_step"
    batch = VecEnvConfig(
        env=config, num_envs=num_envs, num_threads=1, num_slots=1, desync_episodes=num_envs > 1, autoreset=mode
    )
    return make_vec_env(batch, seed)


def step(env: VecEnv, play: Play) -> StepBatch:
    env.send(0, play(env.recv(0)))
    return env.recv(0)


def copy_of(batch: StepBatch) -> tuple[bytes, ...]:
    assert batch.action_mask is not None
    arrays = (batch.observations, batch.rewards, batch.terminated, batch.truncated, batch.first, batch.action_mask)
    return tuple(array.tobytes() for array in arrays)


def text_of(records: list[EpisodeRecord]) -> list[str]:
    return [
        repr((r.env, r.episode, r.length, r.rewards.tolist(), r.partial, r.truncated))
        + repr({name: values.tolist() for name, values in r.agent_stats.items()})
        + repr(dict(r.game_stats))
        + repr({name: np.asarray(values).tolist() for name, values in r.group_stats.items()})
        for r in records
    ]


def amounts(objects: Sequence[Mapping[str, Any]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for item in objects:
        total.update(item.get("inventory") or {})
    return total


@few
@given(games() | games(every_action=True), SEEDS, PLAYS)
def test_books_balance(config: MettaGridConfig, seed: int, play_seed: int) -> None:
    """Whatever comes and goes by, each agent holds what it began with + gained - lost."""
    game = config.game.replace({"max_steps": 25})
    env, play = make(MettaGridConfig(game=game), seed), Play(play_seed)
    start = env.inventory(0).astype(int)
    for _ in range(25):
        step(env, play)
    (record,) = env.drain_episodes()
    for i, name in enumerate(game.resource_names):
        change = record.agent_stats[f"{name}.gained"] - record.agent_stats[f"{name}.lost"]
        np.testing.assert_array_equal(env.inventory(0)[:, i], start[:, i] + change, err_msg=name)
    env.close()


@few
@given(games() | games(every_action=True), SEEDS, PLAYS)
def test_one_object_a_cell_and_limits_hold(config: MettaGridConfig, seed: int, play_seed: int) -> None:
    env, play = make(config, seed), Play(play_seed)
    size = (config.game.map.height, config.game.map.width)
    for _ in range(20):
        objects = env.grid_objects(0)
        cells = [(int(item["r"]), int(item["c"])) for item in objects]
        assert len(set(cells)) == len(cells)
        assert all(0 <= r < size[0] and 0 <= c < size[1] for r, c in cells)
        agents = [item for item in objects if item["type"] == "agent"]
        assert sorted(item["agent_id"] for item in agents) == list(range(config.game.num_agents))
        for item in agents:
            group = config.game.groups[item["group"]]
            agent = group.agent or config.game.agent
            assert all(0 < n <= agent.limit_of(name) for name, n in item["inventory"].items())
            for shared in agent.shared_limits.values():
                assert sum(item["inventory"].get(name, 0) for name in shared.resources) <= shared.limit
            team = amounts([other for other in agents if other["group"] == item["group"]])
            assert all(team[name] <= limit for name, limit in group.limits.items())
        step(env, play)
    env.close()


@few
@given(games(max_agents=5) | games(every_action=True, max_agents=5), SEEDS, st.data())
def test_masked_out_actions_fail(config: MettaGridConfig, seed: int, data: st.DataObject) -> None:
    """From every state on the way, each agent in turn tries each action, all others playing at random."""
    env, play = make(config, seed), Play(data.draw(PLAYS))
    for _ in range(6):
        batch = env.recv(0)
        if not batch.truncated.any():
            assert batch.action_mask is not None
            allowed, snapshot = batch.action_mask.copy(), env.snapshot_env(0)
            assert allowed[:, 0].all(), "noop is always allowed"
            agent = data.draw(st.integers(0, config.game.num_agents - 1))
            for action in range(env.spec.num_actions):
                actions = play(env.recv(0))
                actions[agent] = action
                env.send(0, actions)
                env.recv(0)
                assert allowed[agent, action] or not env.action_success[agent]
                assert action or env.action_success[agent], "noop always succeeds"
                env.restore_env(0, snapshot)
        step(env, play)
    env.close()


@few
@given(games(max_agents=5) | games(every_action=True, max_agents=5), SEEDS, st.data())
def test_allowed_actions_fail_only_by_conflict(config: MettaGridConfig, seed: int, data: st.DataObject) -> None:
    """With nobody else acting there is no conflict: allowed = succeeds, unless another agent stands in the way."""
    env, play = make(config, seed), Play(data.draw(PLAYS))
    for _ in range(6):
        batch = env.recv(0)
        if not batch.truncated.any():
            assert batch.action_mask is not None
            allowed, snapshot = batch.action_mask.copy(), env.snapshot_env(0)
            agent = data.draw(st.integers(0, config.game.num_agents - 1))
            for action, name in enumerate(env.spec.action_names):
                before = env.grid_objects(0)
                actions = np.zeros(config.game.num_agents, dtype=np.int32)
                actions[agent] = action
                env.send(0, actions)
                env.recv(0)
                if not _agent_ahead(before, agent, name):
                    assert env.action_success[agent] == allowed[agent, action], name
                env.restore_env(0, snapshot)
        step(env, play)
    env.close()


AROUND = {
    "move_north": [(-1, 0)],
    "move_south": [(1, 0)],
    "move_west": [(0, -1)],
    "move_east": [(0, 1)],
    "move_northwest": [(-1, -1), (-1, 0), (0, -1)],
    "move_northeast": [(-1, 1), (0, 1), (-1, 0)],
    "move_southwest": [(1, -1), (0, -1), (1, 0)],
    "move_southeast": [(1, 1), (1, 0), (0, 1)],
}
"""The cells that a move may end in."""


def _agent_ahead(objects: Sequence[Mapping[str, Any]], agent: int, action: str) -> bool:
    cells = {int(item["agent_id"]): (item["r"], item["c"]) for item in objects if item["type"] == "agent"}
    row, column = cells[agent]
    return any((row + down, column + right) in cells.values() for down, right in AROUND.get(action, []))


@few
@given(games() | games(every_action=True), SEEDS, PLAYS)
def test_episode_totals_are_summed_rewards(config: MettaGridConfig, seed: int, play_seed: int) -> None:
    env, play = make(config, seed), Play(play_seed)
    sums = np.zeros(config.game.num_agents, dtype=np.float64)
    length = 0
    for _ in range(40):
        batch = step(env, play)
        if batch.first.any():
            sums[:], length = 0, 0
            assert not batch.rewards.any()
            continue
        sums += batch.rewards
        length += 1
        for record in env.drain_episodes():
            np.testing.assert_allclose(record.rewards, sums, rtol=1e-5, atol=1e-5)
            assert (record.length, record.truncated, record.partial) == (length, True, False)
            assert length == config.game.max_steps
    env.close()


@few
@given(games() | games(every_action=True) | turnovers(), SEEDS, PLAYS, st.booleans())
def test_snapshot_then_restore_is_identity(config: MettaGridConfig, seed: int, play_seed: int, same_step: bool) -> None:
    env, play = make(config, seed, num_envs=3, same_step=same_step), Play(play_seed)
    for _ in range(10):
        step(env, play)
    env.drain_episodes()
    state, here = env.snapshot(), copy_of(env.recv(0))
    hashes = [env.state_hash(i) for i in range(3)]
    futures: list[tuple[list[tuple[bytes, ...]], list[str], list[int]]] = []
    for _ in range(2):
        again = Play(play_seed + 1)
        batches = [copy_of(step(env, again)) for _ in range(12)]
        futures.append((batches, text_of(env.drain_episodes()), [env.state_hash(i) for i in range(3)]))
        env.restore(state)
        assert copy_of(env.recv(0)) == here
        assert [env.state_hash(i) for i in range(3)] == hashes
    assert futures[0] == futures[1]
    other = make(config, seed + 1 if seed < 2**63 - 1 else 0, num_envs=3, same_step=same_step)
    other.restore(state)
    assert copy_of(other.recv(0)) == here
    again = Play(play_seed + 1)
    assert [copy_of(step(other, again)) for _ in range(12)] == futures[0][0]
    env.close()
    other.close()
