"""The price of using a converter, played."""

from __future__ import annotations

import numpy as np
import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.objects import ConverterConfig
from metta.mettagrid.env import MettaGridEnv


def test_a_use_pays_its_cost_and_keeps_it_back() -> None:
    """Of three ore one pays the use, one goes into the recipe; the one left is the price of taking the battery."""
    generator = ConverterConfig(
        type_id=5,
        input_resources={"ore_red": 1},
        output_resources={"battery_red": 1},
        cooldown=0,
        use_cost={"ore_red": 1},
    )
    config = make_arena().replace(
        {
            "game.objects.generator_red": generator,
            "game.agent.initial_inventory": {"ore_red": 3},
            "game.num_agents": 1,
            "game.map": {"type": "ascii", "rows": ("@n",)},
        }
    )
    env = MettaGridEnv(config, seed=0)
    batch = env.reset()
    east = np.array([env.spec.action_names.index("move_east")], dtype=np.int32)
    held: list[dict[str, int]] = []
    for _ in range(4):
        assert batch.action_mask is not None
        allowed = bool(batch.action_mask[0, east[0]])
        batch = env.step(east)
        assert bool(env.action_success[0]) is allowed
        held.append(env.grid_objects()[0]["inventory"])
    # The second use finds the ore in work and nothing to take; the third takes the battery for the last ore.
    assert held == [{"ore_red": 1}, {"ore_red": 1}, {"battery_red": 1}, {"battery_red": 1}]
    env.close()


def test_a_price_that_nobody_can_hold_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"game\.objects\.altar\.use_cost\.laser=1.*bring"):
        make_arena().replace({"game.objects.altar.use_cost": {"laser": 1}, "game.agent.resource_limits": {"laser": 0}})
    with pytest.raises(ConfigError, match="use_cost"):
        ConverterConfig(type_id=2, use_cost={"a": 0}, cooldown=0)
