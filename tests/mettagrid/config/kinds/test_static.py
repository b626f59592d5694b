"""Walls and blocks in a game: what is seen of them."""

from __future__ import annotations

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config import standard_objects as standard
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.spec import SWAPPABLE, env_spec


def game_with_block() -> MettaGridConfig:
    drawn = {"type": "ascii", "rows": ("s@#",)}
    return make_arena().replace({"game.objects.block": standard.block(), "game.num_agents": 1, "game.map": drawn})


def test_a_block_is_a_swappable_wall() -> None:
    env = MettaGridEnv(game_with_block(), seed=0)
    observation = env.reset().observations[0].tolist()
    assert [0x54, 0, 14] in observation
    assert [0x54, SWAPPABLE, 1] in observation
    assert [0x56, SWAPPABLE, 1] not in observation
    assert [item["type"] for item in env.grid_objects()] == ["agent", "block", "wall"]
    env.close()


def test_the_feature_is_listed_only_where_it_can_be_seen() -> None:
    assert "swappable" in [feature.name for feature in env_spec(game_with_block()).features]
    assert "swappable" not in [feature.name for feature in env_spec(make_arena()).features]
