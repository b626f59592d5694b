"""Properties of sharing: it creates and destroys nothing, and does not care about the agents' numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.env import MettaGridEnv
from tests.mettagrid.strategies import Play, games

few = settings(max_examples=30, deadline=None, derandomize=True)
WEIGHTS = st.floats(-2, 2, allow_subnormal=False)


@few
@given(games(min_agents=2), st.integers(0, 2**32 - 1), st.data())
def test_sharing_conserves_the_sum(config: MettaGridConfig, seed: int, data: st.DataObject) -> None:
    """By groups always; by a matrix whose columns sum to 1. The game itself is the same with and without."""
    agents = config.game.num_agents
    groups = {name: group.model_copy(update={"reward_share": 0.0}) for name, group in config.game.groups.items()}
    alone = config.replace({"game.reward_sharing": None, "game.groups": groups})
    if data.draw(st.booleans(), label="by matrix"):
        matrix = np.array(
            data.draw(st.lists(st.lists(WEIGHTS, min_size=agents, max_size=agents), min_size=agents, max_size=agents))
        )
        matrix[0] += 1 - matrix.sum(axis=0)
        shared = alone.replace({"game.reward_sharing": matrix.tolist()})
    else:
        shares = {name: data.draw(st.floats(0, 1), label=name) for name in groups}
        mixed = {name: group.model_copy(update={"reward_share": shares[name]}) for name, group in groups.items()}
        shared = alone.replace({"game.groups": mixed})
    one, other, play, again = MettaGridEnv(alone, seed), MettaGridEnv(shared, seed), Play(seed), Play(seed)
    for _ in range(25):
        before, after = one.step(play(one.batch)), other.step(again(other.batch))
        np.testing.assert_array_equal(one.inventory(), other.inventory())
        np.testing.assert_allclose(before.rewards.sum(), after.rewards.sum(), rtol=1e-4, atol=1e-4)


def corridors(rows: list[str], matrix: NDArray[np.float64]) -> MettaGridConfig:
    """Every agent in a corridor of its own: nobody is in anybody's way, whoever acts first."""
    drawn = [line for row in rows for line in (row, "#" * len(row))]
    fields: dict[str, Any] = {
        "game.map": {"type": "ascii", "rows": drawn, "legend": {"r": "agent.red", "b": "agent.blue"}},
        "game.num_agents": len(rows),
        "game.groups": {"red": {"id": 1, "limits": {"ore_red": 3}}, "blue": {"id": 2}},
        "game.reward_sharing": matrix.tolist(),
        "game.agent.rewards.stats": {"action.move.failed": -0.5, "action.move.success": 0.25},
        "game.agent.rewards.terms": {"ore": {"resource": "ore_red", "weight": 0.125, "mode": "tick"}},
        "game.max_steps": 20,
    }
    faster = {"game.objects.mine_red.cooldown": 2, "game.objects.generator_red.cooldown": 1}
    return make_arena(1).replace(fields | faster)


@few
@given(st.data(), st.integers(2, 5))
def test_permuted_agents_have_permuted_results(data: st.DataObject, agents: int) -> None:
    """At most one red corridor has a mine: team-mates would compete for the room that they share."""
    rows = data.draw(st.permutations(["m.r.n", "mb..n", "..b.m", "r...n", ".b.m."]))[:agents]
    order = data.draw(st.permutations(range(agents)))
    matrix = np.array(data.draw(st.lists(WEIGHTS, min_size=agents * agents, max_size=agents * agents)))
    matrix = matrix.reshape(agents, agents)
    here = MettaGridEnv(corridors(list(rows), matrix), 5)
    there = MettaGridEnv(corridors([rows[i] for i in order], matrix[np.ix_(order, order)]), 5)
    moves = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1))).integers(0, here.spec.num_actions, (20, agents))
    for actions in moves.astype(np.int32):
        mine, theirs = here.step(actions), there.step(np.ascontiguousarray(actions[order]))
        np.testing.assert_allclose(theirs.rewards, mine.rewards[order], rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(there.inventory(), here.inventory()[order])
        np.testing.assert_array_equal(there.action_success, here.action_success[order])
        assert mine.action_mask is not None
        assert theirs.action_mask is not None
        np.testing.assert_array_equal(theirs.action_mask, mine.action_mask[order])
    (one,), (other,) = here.drain_episodes(), there.drain_episodes()
    np.testing.assert_allclose(other.rewards, one.rewards[order], rtol=1e-4, atol=1e-4)
    for name, values in one.agent_stats.items():
        np.testing.assert_array_equal(other.agent_stats[name], values[order])
    for name in ("efficiency", "equality", "sustainability", "peace"):
        key = f"social.{name}"
        np.testing.assert_allclose(other.game_stats[key], one.game_stats[key], rtol=1e-6, atol=1e-6)
