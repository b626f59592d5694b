"""One moment of a game as plain data: what the terminal shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metta.common.env_spec import EnvSpec
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.replay.tally import Tally


@dataclass(frozen=True, slots=True)
class AgentFrame:
    """One agent. ``frozen`` counts the steps it stays frozen; ``succeeded`` is None before its first action."""

    agent_id: int
    row: int
    col: int
    frozen: int
    inventory: Mapping[str, int]
    total_reward: float
    last_reward: float
    last_action: str
    succeeded: bool | None


@dataclass(frozen=True, slots=True)
class GameFrame:
    """A whole game after ``step`` steps; ``objects`` are the engine's ``grid_objects``, ``agents`` ordered by id."""

    config: MettaGridConfig
    step: int
    objects: Sequence[Mapping[str, Any]]
    agents: Sequence[AgentFrame]

    @property
    def width(self) -> int:
        return self.config.game.map.width

    @property
    def height(self) -> int:
        return self.config.game.map.height


def make_frame(
    config: MettaGridConfig, spec: EnvSpec, step: int, objects: Sequence[Mapping[str, Any]], tally: Tally
) -> GameFrame:
    """A frame from the engine's view of the world and the agents' tally."""
    agents = [_agent(thing, spec, tally) for thing in objects if "agent_id" in thing]
    return GameFrame(config, step, objects, sorted(agents, key=lambda agent: agent.agent_id))


def _agent(thing: Mapping[str, Any], spec: EnvSpec, tally: Tally) -> AgentFrame:
    index = int(thing["agent_id"])
    action = int(tally.actions[index])
    known = 0 <= action < spec.num_actions
    return AgentFrame(
        agent_id=index,
        row=int(thing["r"]),
        col=int(thing["c"]),
        frozen=int(thing.get("frozen", 0)),
        inventory=dict(thing["inventory"]),
        total_reward=float(tally.total[index]),
        last_reward=float(tally.last[index]),
        last_action=spec.action_names[action] if known else "" if action < 0 else "invalid",
        succeeded=bool(tally.succeeded[index]) if action >= 0 else None,
    )
