"""A window is drawn from the bytes that the agent gets."""

from __future__ import annotations

import pytest

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.render.window import draw_window

MAP = ("#####", "#m..#", "#.@_#", "#.@.#", "#####")


@pytest.mark.parametrize("kind", ["tokens", "box"])
def test_drawing_is_the_map_around_the_agent(kind: str) -> None:
    game = make_arena().replace({"game.map": {"type": "ascii", "rows": MAP}, "game.num_agents": 2})
    env = MettaGridEnv(game.replace({"game.obs.kind": kind, "game.obs.width": 5, "game.obs.height": 3}))
    types = {thing.type_id: name for name, thing in game.game.objects.items()}
    assert draw_window(env.batch.observations[0], env.spec, types) == ["#m..#", "#.@_#", "#.@.#"]
    env.close()
