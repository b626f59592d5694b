"""Random games in which agents die, come back, enter and leave."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from metta.mettagrid.config.agent import AgentConfig
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.config.objects import PileConfig
from tests.mettagrid.strategies import games

HP = "heart"


@st.composite
def turnovers(draw: st.DrawFn, piles: bool = False) -> MettaGridConfig:
    """A random game with health, population, or both; ``piles``: some in which the dead leave things behind."""
    config = draw(games(every_action=True, min_agents=2, max_agents=5))
    game, num_agents = config.game, config.game.num_agents
    systems: dict[str, Any] = game.systems.model_dump(exclude_none=True)
    kind = draw(st.sampled_from(["health", "population", "both"]))
    if kind != "population":
        systems["health"] = {
            "resource": HP,
            "damage": draw(st.integers(0, 2)),
            "freezes": draw(st.booleans()),
            "on_death": draw(st.sampled_from(["lose", "keep", *(["drop"] if piles else [])])),
            "respawn_ticks": draw(st.sampled_from([None, 1, 3])),
            "respawn_at": draw(st.sampled_from(["start", "anywhere"])),
            "restock": draw(st.booleans()),
        }
        systems["upkeep"] = {"resources": {HP: 0.1}, "on_shortage": draw(st.sampled_from(["none", "freeze", "die"]))}
    if kind != "health":
        initial = draw(st.integers(0, num_agents))
        waiting = num_agents - initial
        scheduled = draw(st.integers(0, waiting))
        systems["population"] = {
            "initial_agents": initial,
            "enter_steps": draw(st.lists(st.integers(1, 8), min_size=scheduled, max_size=scheduled)),
            "enter_rate": 0.4 if scheduled < waiting else 0.0,
            "leave_steps": draw(st.lists(st.integers(1, 15), max_size=2)),
            "stay": draw(st.sampled_from([None, 5])),
            "goal": draw(st.sampled_from([{}, {"ore": 1}])),
        }
    groups = {
        name: group.replace({"agent": None if group.agent is None else alive(group.agent)})
        for name, group in game.groups.items()
    }
    if systems.get("health", {}).get("on_death") == "drop":
        pile = PileConfig(type_id=254, capacity=draw(st.sampled_from([None, 1])))
        config = config.replace({"game.objects": {**game.objects, "pile": pile}})
    return config.replace({"game.systems": systems, "game.agent": alive(game.agent), "game.groups": groups})


def alive(agent: AgentConfig) -> AgentConfig:
    """With room for hit points, and some from the start."""
    limits = {**agent.resource_limits, HP: max(2, agent.limit_of(HP))}
    start = {**agent.initial_inventory, HP: max(1, agent.initial_inventory.get(HP, 0))}
    return agent.replace({"resource_limits": limits, "initial_inventory": start})
