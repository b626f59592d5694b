"""Flat actions and (family, argument) pairs are one table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metta.mettagrid.action_table import INVALID, ActionTable
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import GameConfig, MettaGridConfig
from metta.mettagrid.env import MettaGridEnv
from tests.mettagrid.strategies import games


@st.composite
def tables(draw: st.DrawFn) -> ActionTable:
    """Families of 1 to 12 arguments, in flat order."""
    sizes = draw(st.lists(st.integers(1, 12), min_size=1, max_size=15))
    family_of = [f"family{i}" for i, size in enumerate(sizes) for _ in range(size)]
    return ActionTable.from_names(tuple(f"action{i}" for i in range(len(family_of))), family_of)


@given(tables())
def test_there_and_back_again(table: ActionTable) -> None:
    flat = np.arange(table.num_actions)
    pairs = table.to_pairs(flat)
    assert (pairs < table.shape).all()
    np.testing.assert_array_equal(table.to_flat(pairs), flat)


@given(tables())
def test_every_other_pair_is_invalid(table: ActionTable) -> None:
    pairs = np.stack(np.meshgrid(*map(np.arange, table.shape), indexing="ij"), axis=-1)
    flat = table.to_flat(pairs)
    valid = flat[flat != INVALID]
    np.testing.assert_array_equal(np.sort(valid), np.arange(table.num_actions))
    assert table.max_argument == max(np.bincount(table.families)) - 1


@given(tables(), st.data())
def test_a_pair_mask_allows_the_parts_of_what_is_allowed(table: ActionTable, data: st.DataObject) -> None:
    bits = st.lists(st.booleans(), min_size=table.num_actions, max_size=table.num_actions)
    mask = np.array(data.draw(bits), dtype=np.bool_)
    pairs = table.pair_mask(mask)
    families, arguments = pairs[: table.shape[0]], pairs[table.shape[0] :]
    chosen = table.to_pairs(np.flatnonzero(mask))
    assert set(np.flatnonzero(families)) == set(chosen[:, 0])
    assert set(np.flatnonzero(arguments)) == set(chosen[:, 1])
    np.testing.assert_array_equal(table.pair_mask(np.stack([mask, mask]))[1], pairs)


@given(games())
def test_families_of_any_game_are_runs_of_its_actions(config: MettaGridConfig) -> None:
    table = ActionTable.from_game(config.game)
    assert table.names == config.game.actions.names()
    assert (np.diff(table.families) >= 0).all()
    for i, (family, variants) in enumerate(config.game.actions.families().items()):
        assert family == table.family_names[i]
        assert [table.names[flat] for flat in table.flat[i] if flat != INVALID] == list(variants)


def test_the_arena() -> None:
    table = ActionTable.from_game(make_arena(1).game)
    assert table.family_names == ("noop", "move", "attack")
    assert table.shape == (3, 9)
    assert table.to_flat(np.array([2, 8])) == table.names.index("attack_8")


def test_the_engine_counts_an_invalid_pair() -> None:
    env = MettaGridEnv(make_arena(1).replace({"game.max_steps": 1}))
    table = ActionTable.from_game(make_arena(1).game)
    env.step(table.to_flat(np.array([[0, 1]])))
    (record,) = env.drain_episodes()
    assert record.agent_stats["action.invalid_index"].tolist() == [1.0]


def test_the_table_cannot_be_changed() -> None:
    table = ActionTable.from_game(GameConfig())
    with pytest.raises(ValueError, match="read-only"):
        table.flat[0, 0] = 3
