"""The rules of docs/mettagrid.md once more, slowly and in plain Python: what the native engine is held against.

Written from the rules, not from the C++: dicts and names instead of tables and ids. The order in which agents act, and
other random words, are handed in, because they come from the engine's own random numbers.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from math import floor
from typing import Any

from metta.mettagrid.config.actions import ActionConfig
from metta.mettagrid.config.game import GameConfig
from metta.mettagrid.config.objects import AssemblerConfig, ChestConfig, ConverterConfig, DoorConfig, PlantConfig
from tests.mettagrid.oracle.actions import config_of_family, perform
from tests.mettagrid.oracle.agent import Agent, Cell
from tests.mettagrid.oracle.assembler import Assembler
from tests.mettagrid.oracle.stores import Chest, Door, Plant
from tests.mettagrid.oracle.systems import COST, Streams, run_systems, whole_units
from tests.mettagrid.oracle.teams import config_of, contributions, give_initial_inventories, goal_is_met, pay, room
from tests.mettagrid.oracle.thing import Converter, Thing
from tests.mettagrid.oracle.turnover import start_population

KINDS: dict[type, type[Thing]] = {
    ConverterConfig: Converter,
    AssemblerConfig: Assembler,
    ChestConfig: Chest,
    DoorConfig: Door,
    PlantConfig: Plant,
}


class Oracle:
    """One world, started from what the engine's ``grid_objects`` shows after a reset, all agents in place."""

    def __init__(self, game: GameConfig, objects: Iterable[Mapping[str, Any]], width: int, height: int) -> None:
        self.game, self.width, self.height = game, width, height
        self.names = game.actions.names()
        self.calls = {name: (family, name[len(family) + 1 :]) for family, all_ in _families(game) for name in all_}
        self.step_count = 0
        self.walls: dict[Cell, str] = {}
        self.things: dict[Cell, Thing] = {}
        self.streams: Streams | None = None
        """The random words of this step; none while an action is only tried."""
        self.agents_step_aside = False
        agents: dict[int, Agent] = {}
        for item in objects:
            cell, name = (int(item["r"]), int(item["c"])), str(item["type"])
            if name == "agent":
                index = int(item["agent_id"])
                agents[index] = Agent(index, cell, cell, int(item["group_id"]), int(item["orientation"]))
            elif kind := KINDS.get(type(game.objects[name])):
                self.things[cell] = kind(cell, name, len(self.things), game.objects[name])
            else:
                self.walls[cell] = name
        self.agents = [agents[i] for i in range(len(agents))]
        self.success = [False] * len(agents)
        self.terminated = self.truncated = False
        give_initial_inventories(self)
        start_population(self)
        for agent in self.agents:
            self._count_visit(agent)
            agent.paid = contributions(self, agent, "delta")

    def step(self, actions: Sequence[int], order: Sequence[int], streams: Streams) -> None:
        """One step; ``order`` is the agents' order within each priority."""
        self.step_count += 1
        self.streams = streams
        partakers = [agent.takes_part for agent in self.agents]
        self._begin_step()
        calls = [self.calls[self.names[a]] if 0 <= a < len(self.names) else None for a in actions]
        self.success = [False] * len(actions)
        for agent in self.agents:
            agent.penalty = 0.0
        for phase in range(3):
            for index in order:
                if self.agents[index].cell is not None and _phase(calls[index]) == phase:
                    self.success[index] = self._act(index, calls[index])
        for thing in self.things.values():
            if isinstance(thing, Door):
                thing.end_actions()
        for index, agent in enumerate(self.agents):
            if agent.cell is not None:
                agent.last_action = actions[index] if calls[index] else 0
            agent.frozen = max(0, agent.frozen - 1)
        run_systems(self, streams)
        for agent in self.agents:
            self._count_visit(agent)
        pay(self, partakers)
        self.terminated = goal_is_met(self) or all(agent.presence == "gone" for agent in self.agents)
        self.truncated = not self.terminated and self.step_count == self.game.max_steps

    def _begin_step(self) -> None:
        """Timed events, then what the step is judged by: how things are now."""
        for thing in self.things.values():
            thing.begin_step(self)
        for thing in self.things.values():
            if isinstance(thing, Plant):
                thing.grow(self)
        for agent in self.agents:
            agent.held_at_start = agent.inventory.copy()
            agent.ahead_at_start = None if agent.cell is None else self.what_is_at(agent.ahead)

    def next_step(self) -> Oracle:
        """A copy in which the next step has just begun, for an agent to try an action while nobody else acts."""
        other = copy.copy(self)
        other.agents = [agent.copy() for agent in self.agents]
        other.things = {cell: thing.copy() for cell, thing in self.things.items()}
        other.walls = dict(self.walls)
        other.streams, other.agents_step_aside = None, True
        other._begin_step()
        return other

    def what_is_at(self, cell: Cell) -> tuple[str, str, str] | None:
        """Kind, name and state of whatever occupies the cell; None: nothing does."""
        if agent := self.agent_at(cell):
            return "agent", str(agent.index), "frozen" if agent.frozen else ""
        if cell in self.walls:
            return "static", self.walls[cell], ""
        return ("thing", str(self.things[cell].number), "") if cell in self.things else None

    def may_enter(self, cell: Cell) -> bool:
        """Whether an agent may step there now."""
        if not self.is_inside(cell) or cell in self.walls:
            return False
        if other := self.agent_at(cell):
            return self.agents_step_aside and not other.frozen
        return cell not in self.things or self.things[cell].lets_pass

    def opaque_cells(self) -> set[Cell]:
        """Cells that hide what is behind them."""
        walls = {cell for cell, name in self.walls.items() if getattr(self.game.objects[name], "opaque", False)}
        return walls | {cell for cell, thing in self.things.items() if thing.opaque and not self.agent_at(cell)}

    def agent_at(self, cell: Cell) -> Agent | None:
        return next((agent for agent in self.agents if agent.cell == cell), None)

    def is_inside(self, cell: Cell) -> bool:
        return 0 <= cell[0] < self.height and 0 <= cell[1] < self.width

    def free_cells(self) -> list[Cell]:
        """Cells with nothing at all on them, in reading order."""
        cells = ((r, c) for r in range(self.height) for c in range(self.width))
        return [cell for cell in cells if self.what_is_at(cell) is None]

    def ordered(self, amounts: Mapping[str, int]) -> list[tuple[str, int]]:
        """Entries in the order of ``resource_names``, in which several resources are handled."""
        return [(name, amounts[name]) for name in self.game.resource_names if name in amounts]

    def room(self, agent: Agent, resource: str, giver: Agent | None = None) -> int:
        """Units of ``resource`` that the agent can take in this step."""
        return room(self, agent, resource, giver, now=False)

    def room_next(self, agent: Agent, resource: str) -> int:
        """Units of ``resource`` that the agent can take in the next step."""
        return room(self, agent, resource, None, now=True)

    def _count_visit(self, agent: Agent) -> None:
        if agent.cell is not None:
            agent.visits[agent.cell] += 1

    def _act(self, index: int, call: tuple[str, str] | None) -> bool:
        agent = self.agents[index]
        blocked = agent.frozen > 0
        success = call == ("noop", "") or (call is not None and not blocked and perform(self, agent, *call))
        if success and not blocked:
            self._pay(agent, call[0] if call else "noop")
        outcome = "success" if success else "failed"
        agent.stats[f"action.{call[0]}.{outcome}" if call else "action.invalid_index"] += 1
        agent.stats["status.frozen.ticks"] += blocked
        agent.penalty = 0.0 if success or blocked else config_of(self, agent).action_failure_penalty
        return success

    def _pay(self, agent: Agent, family: str) -> None:
        """Whole units, and one more of each fraction with its probability."""
        config = config_of_family(self, family)
        if not isinstance(config, ActionConfig) or self.streams is None:
            return
        stream, prices = self.streams(COST, agent.index), config.consumed_resources
        for name in self.game.resource_names:
            price = prices.get(name, 0)
            agent.lose(name, whole_units(price, stream) if price != floor(price) else int(price))


def _families(game: GameConfig) -> Iterable[tuple[str, tuple[str, ...]]]:
    return game.actions.families().items()


def _phase(call: tuple[str, str] | None) -> int:
    """0: attacks; 1: everything else; 2: who opens a way."""
    return {"attack": 0, "pick_block": 2}.get(call[0] if call else "", 1)
