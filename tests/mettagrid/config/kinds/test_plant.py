"""Regrowth: chances by neighbours, the tragedy, and independence of what the agents' rows do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.config.game import GameConfig, MettaGridConfig
from metta.mettagrid.config.kinds.plant import PlantConfig
from metta.mettagrid.env import MettaGridEnv


def orchard(plant: PlantConfig, rows: tuple[str, ...]) -> MettaGridConfig:
    game: dict[str, Any] = {
        "resource_names": ("apple",),
        "num_agents": 1,
        "max_steps": 0,
        "actions": {"move": {"uses_objects": True}},
        "objects": {"wall": {"type": "wall", "type_id": 1}, "plant": plant},
        "map": {"type": "ascii", "rows": rows},
    }
    return MettaGridConfig(game=GameConfig.model_validate(game))


def stocks(env: MettaGridEnv) -> list[int]:
    return [item["stock"] for item in env.grid_objects() if item["type"] == "plant"]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"initial_stock": 2}, "initial_stock=2 exceeds max_stock=1"),
        ({"growth": (0.0, 1.5)}, "growth has 1.5"),
        ({"growth": ()}, "at least 1 item"),
        ({"radius": 8}, "less than or equal to 7"),
    ],
)
def test_impossible_plants_are_refused(values: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        PlantConfig.model_validate({"resource": "apple"} | values)


def test_bare_commons_stay_bare() -> None:
    env = MettaGridEnv(orchard(PlantConfig(resource="apple", initial_stock=0, growth=(0.0, 1.0)), ("@yyy", "yyyy")), 3)
    env.reset()
    for _ in range(50):
        env.step(np.zeros(1, dtype=np.int32))
    assert stocks(env) == [0] * 7
    env.close()


@pytest.mark.parametrize("chance", [0.1, 0.5])
def test_growth_has_its_chance(chance: float) -> None:
    """Stocks of 400 lone patches after 25 steps are binomial: the mean is within 5 standard errors."""
    plant = PlantConfig(resource="apple", initial_stock=0, max_stock=1000, growth=(chance,), radius=0)
    env = MettaGridEnv(orchard(plant, ("@" + 19 * ".", *(20 * "y" for _ in range(20)))), 11)
    env.reset()
    for _ in range(25):
        env.step(np.zeros(1, dtype=np.int32))
    error = (25 * chance * (1 - chance) / 400) ** 0.5
    assert abs(np.mean(stocks(env)) - 25 * chance) < 5 * error
    assert len(set(stocks(env))) > 3, "patches draw on their own"
    env.close()


@pytest.mark.parametrize("offset", [(0, 1), (0, 2), (1, 1), (2, 1), (2, 2), (0, 7)])
@pytest.mark.parametrize("radius", [0, 1, 2, 7])
def test_neighbours_count_within_the_radius(radius: int, offset: tuple[int, int]) -> None:
    """A harvested patch grows back at once when the only other patch is near enough, else never."""
    rows = [[".", ".", *9 * "."] for _ in range(3)]
    rows[0][0], rows[0][1], rows[offset[0]][1 + offset[1]] = "@", "y", "y"
    plant = PlantConfig(resource="apple", growth=(0.0, 1.0), radius=radius)
    env = MettaGridEnv(orchard(plant, tuple("".join(row) for row in rows)), 0)
    env.reset()
    env.step(np.array([env.spec.action_names.index("move_east")], dtype=np.int32))
    assert sorted(stocks(env)) == [0, 1]
    env.step(np.zeros(1, dtype=np.int32))
    near = offset[0] ** 2 + offset[1] ** 2 <= radius**2
    assert sorted(stocks(env)) == [int(near), 1]
    env.close()
