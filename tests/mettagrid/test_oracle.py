"""The native engine and the slow reference game play the same random games, step by step."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from tests.mettagrid.oracle.compare import play_both
from tests.mettagrid.strategies import games
from tests.mettagrid.turnover_strategies import turnovers

SEEDS = st.integers(0, 2**63 - 1)
PLAYS = st.integers(0, 2**32 - 1)
some = settings(max_examples=20, deadline=None, derandomize=True)


@some
@given(games(with_goals=True), SEEDS, PLAYS, st.booleans())
def test_engine_equals_oracle(config: MettaGridConfig, seed: int, play_seed: int, same_step: bool) -> None:
    play_both(config, seed, play_seed, steps=40, same_step=same_step)


@some
@given(games(every_action=True), SEEDS, PLAYS, st.booleans())
def test_engine_equals_oracle_with_every_action_and_thing(
    config: MettaGridConfig, seed: int, play_seed: int, same_step: bool
) -> None:
    play_both(config, seed, play_seed, steps=40, same_step=same_step)


@some
@given(turnovers(), SEEDS, PLAYS, st.booleans())
def test_engine_equals_oracle_while_agents_come_and_go(
    config: MettaGridConfig, seed: int, play_seed: int, same_step: bool
) -> None:
    play_both(config, seed, play_seed, steps=40, same_step=same_step)


@pytest.mark.parametrize("num_agents", [1, 8])
def test_engine_equals_oracle_in_the_arena(num_agents: int) -> None:
    faster = {
        "game.objects.mine_red.cooldown": 2,
        "game.objects.generator_red.cooldown": 2,
        "game.map.room_width": 11,
        "game.map.room_height": 11,
        "game.agent.initial_inventory": {"laser": 2, "battery_red": 1},
        "game.max_steps": 150,
    }
    assert play_both(make_arena(num_agents).replace(faster), seed=4, play_seed=5, steps=200) == 1
