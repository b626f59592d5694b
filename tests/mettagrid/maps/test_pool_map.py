"""Maps picked from ready grids."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.compile_game import compile_game
from metta.mettagrid.maps.pool_map import PoolMapConfig
from tests.mettagrid.maps.drawing import count, draw_map, game_on

POOL: dict[str, Any] = {
    "type": "pool",
    "grids": (("....", ".##.", "...."), ("......", "......"), ("_..", "...", "...", "..m")),
    "agents": 2,
    "objects": {"altar": 1},
}


def test_grids_stand_in_the_middle_of_the_largest() -> None:
    config = PoolMapConfig.model_validate(POOL)
    assert (config.width, config.height) == (6, 4)
    shapes = Counter[int]()
    for seed in range(60):
        rows = draw_map(POOL, 2, seed)
        assert (len(rows[0]), len(rows)) == (6, 4)
        assert count(rows)["@"] == 2
        shapes[count(rows)["#"]] += 1
    # 24 cells less the grid's, plus its own walls: 14, 12 and 12 walls
    assert shapes.keys() == {14, 12}
    assert 8 <= shapes[14] <= 32, "a third of the maps"


def test_files_become_grids(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([["wall", "empty", "empty"], ["empty", "empty", "mine_red"]]))
    np.save(tmp_path / "b.npy", np.array([[1, 0, 0], [0, 0, 0]], dtype=np.int8))
    (tmp_path / "c.map").write_text("legend: {x: mine_red}\n---\nx..\n...\n")
    config = {"type": "pool", "uris": (f"file://{tmp_path}",), "agents": 1}
    seen = {tuple(row.replace("@", ".") for row in draw_map(config, 1, seed)) for seed in range(60)}
    # an agent may stand on any free cell; without it the three grids are left
    assert seen == {("#..", "..m"), ("#..", "..."), ("m..", "...")}


def test_the_pick_follows_the_stream() -> None:
    program = compile_game(game_on(POOL, 2))
    many = program.draw_maps(seed=5, count=40)
    assert (many == program.draw_maps(seed=5, count=40)).all()
    assert len({one.tobytes() for one in many}) > 20


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"grids": ()}, "a pool needs at least one grid"),
        ({"grids": (("..?",),)}, "map.grids"),
        ({"grids": (("...", ".."),), "agents": 1}, "has 2 characters, expected 3"),
        ({"grids": ((".",),)}, "it holds 1 agents, but num_agents=2"),
        ({"uris": ("file:///no/such/folder",)}, "does not exist"),
        ({"uris": ("s3://bucket/x",)}, "only files can be read"),
        ({"width": 3, "height": 9}, "map.width=3, expected 6"),
        ({"objects": {"throne": 1}}, "throne"),
    ],
)
def test_faults_are_named(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        draw_map(POOL | changes, 2)
    assert part in str(caught.value)
