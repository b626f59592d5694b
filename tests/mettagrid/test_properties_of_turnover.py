"""Properties of games in which agents die, respawn, enter and leave, while the clipper is about."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from metta.common.env_spec import PADDING
from metta.common.vector_env import EpisodeRecord, StepBatch
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from tests.mettagrid.strategies import Play
from tests.mettagrid.turnover_strategies import turnovers

few = settings(max_examples=25, deadline=None, derandomize=True)


def make(config: MettaGridConfig, seed: int) -> VecEnv:
    batch = VecEnvConfig(env=config, num_envs=1, num_threads=1, num_slots=1, desync_episodes=False)
    return make_vec_env(batch, seed)


def here(env: VecEnv) -> set[int]:
    return {int(item["agent_id"]) for item in env.grid_objects(0) if item["type"] == "agent"}


@few
@given(turnovers(piles=True), st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1))
def test_rows_tell_who_is_away(config: MettaGridConfig, seed: int, play_seed: int) -> None:
    """Who is off the grid sees nothing and can do nothing; who comes is first; who is gone for good stays away."""
    env, play = make(config, seed), Play(play_seed)
    was_terminated = env.recv(0).terminated.copy()
    for _ in range(30):
        batch, before = env.recv(0), here(env)
        assert batch.action_mask is not None
        actions, allowed = play(batch), batch.action_mask.copy()
        ended = bool(batch.truncated.any())
        env.send(0, actions)
        batch = env.recv(0)
        cells = [(item["r"], item["c"]) for item in env.grid_objects(0)]
        assert len(set(cells)) == len(cells)
        began = env.step_count(0) == 0
        for agent in range(config.game.num_agents):
            is_here, terminated = agent in here(env), bool(batch.terminated[agent])
            _check_row(env, batch, agent, is_here)
            if not began:
                returns = bool(was_terminated[agent]) and not terminated
                assert bool(batch.first[agent]) == returns
                acted = agent in before and not ended
                action = int(actions[agent])
                may = 0 <= action < env.spec.num_actions and bool(allowed[agent, action])
                assert may or not env.action_success[agent], "a masked-out action succeeded"
                assert acted or not env.action_success[agent], "an absent agent acted"
                assert not was_terminated[agent] or batch.rewards[agent] == 0
        was_terminated = batch.terminated.copy()
    env.close()


def _check_row(env: VecEnv, batch: StepBatch, agent: int, is_here: bool) -> None:
    assert batch.action_mask is not None
    assert batch.action_mask[agent, 0]
    shows_tokens = env.spec.obs_kind == "tokens"
    nothing = PADDING if shows_tokens else 0
    if shows_tokens:
        assert bool(env.used_tokens[agent]) == is_here
    if not is_here:
        assert (batch.observations[agent] == nothing).all()
        assert not batch.action_mask[agent, 1:].any()


@few
@given(turnovers(piles=True), st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1))
def test_books_balance_and_worlds_go_back(config: MettaGridConfig, seed: int, play_seed: int) -> None:
    """Deaths lose what they say, leavers take theirs along; a snapshot taken in between is the whole state."""
    game = config.game.replace({"max_steps": 20, "terminate_when": {}})
    env, play = make(config.replace({"game": game}), seed), Play(play_seed)
    start, records = env.inventory(0).astype(int), list[EpisodeRecord]()
    while not records:
        snapshot, actions = env.snapshot_env(0), play(env.recv(0))
        hashes: list[int] = []
        for _ in range(2):
            env.restore_env(0, snapshot)
            env.send(0, actions)
            env.recv(0)
            hashes.append(env.state_hash(0))
        assert hashes[0] == hashes[1]
        records = env.drain_episodes()
    record = records[-1]
    for i, name in enumerate(game.resource_names):
        change = record.agent_stats[f"{name}.gained"] - record.agent_stats[f"{name}.lost"]
        np.testing.assert_array_equal(env.inventory(0)[:, i], start[:, i] + change, err_msg=name)
    env.close()
