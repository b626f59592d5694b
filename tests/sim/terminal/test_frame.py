"""Frames read the engine's objects and the tally."""

from __future__ import annotations

import numpy as np
import pytest

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.replay.tally import Tally
from metta.mettagrid.spec import env_spec
from metta.sim.terminal.frame import AgentFrame, make_frame


def agents_after(action: int | None) -> list[AgentFrame]:
    config = make_arena(2)
    things = [
        {"type": "agent", "agent_id": index, "r": 1, "c": index, "orientation": 0, "inventory": {"heart": index}}
        for index in (1, 0)
    ]
    tally = Tally.start(2)
    if action is not None:
        tally.add(np.array([action, action], np.int32), np.array([1, 2], np.float32), np.array([True, False]))
    return list(make_frame(config, env_spec(config), 0, [{"type": "wall", "r": 0, "c": 0}, *things], tally).agents)


def test_agents_are_ordered_by_their_number() -> None:
    agents = agents_after(1)
    assert [agent.agent_id for agent in agents] == [0, 1]
    assert [agent.col for agent in agents] == [0, 1]
    assert [agent.total_reward for agent in agents] == [1.0, 2.0]
    assert agents[1].inventory == {"heart": 1}


@pytest.mark.parametrize(
    ("action", "name", "succeeded"), [(None, "", None), (1, "move_north", True), (255, "invalid", True)]
)
def test_actions_have_names(action: int | None, name: str, succeeded: bool | None) -> None:
    agent = agents_after(action)[0]
    assert (agent.last_action, agent.succeeded) == (name, succeeded)
