"""The rules of docs/mettagrid.md once more, slowly and in plain Python: what the native engine is held against.

Written from the rules, not from the C++: dicts and names instead of tables and ids. The order in which agents act, and
other random words, are handed in, because they come from the engine's own random numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from metta.mettagrid.config.game import GameConfig
from metta.mettagrid.config.objects import ConverterConfig
from tests.mettagrid.oracle_systems import Streams, run_systems
from tests.mettagrid.oracle_teams import config_of, contributions, give_initial_inventories, goal_is_met, pay, room

Cell = tuple[int, int]
NORTH, SOUTH, WEST, EAST = range(4)
DELTAS = {NORTH: (-1, 0), SOUTH: (1, 0), WEST: (0, -1), EAST: (0, 1)}
LEFT_OF = {NORTH: WEST, SOUTH: EAST, WEST: SOUTH, EAST: NORTH}
ATTACK_CELLS = ((1, 0), (1, 1), (1, -1), (2, 0), (2, 1), (2, -1), (3, 0), (3, 1), (3, -1))
"""Cell k of the 3x3 ahead as (steps forward, steps to the left): ``7 6 8 / 4 3 5 / 1 0 2`` from far to near."""


@dataclass
class Agent:
    cell: Cell
    group: int
    orientation: int
    frozen: int
    inventory: Counter[str]
    stats: Counter[str] = field(default_factory=Counter)
    visits: Counter[Cell] = field(default_factory=Counter)
    """Steps that ended on a cell, the start included."""
    last_action: int = 0
    reward: float = 0.0
    total: float = 0.0
    penalty: float = 0.0
    paid: float = 0.0
    """Sum of all contributions at the end of the last step."""
    paid_at: list[int] = field(default_factory=list[int])
    """Steps with a positive reward."""
    held_at_start: Counter[str] = field(default_factory=Counter)
    """Inventory before the actions of this step: room that others make fills only from the next step on."""


@dataclass
class Converter:
    cell: Cell
    name: str
    config: ConverterConfig
    inventory: Counter[str]
    converting: int = 0
    cooldown: int = 0
    conversions: int = 0

    def tick(self) -> None:
        """Phase 1 of a step: finish, cool down, start."""
        if self.converting:
            self.converting -= 1
            if self.converting == 0:
                self.inventory.update(self.config.output_resources)
                self.cooldown = self.config.cooldown
        elif self.cooldown:
            self.cooldown -= 1
        if self.converting == 0 and self.cooldown == 0 and self._can_start():
            self.inventory.subtract(self.config.input_resources)
            self.converting = self.config.conversion_ticks
            self.conversions += 1

    def _can_start(self) -> bool:
        config = self.config
        held = sum(self.inventory[name] for name in config.output_resources)
        return (
            (config.max_conversions < 0 or self.conversions < config.max_conversions)
            and (config.max_output < 0 or held < config.max_output)
            and all(self.inventory[name] >= amount for name, amount in config.input_resources.items())
        )

    def copy(self) -> Converter:
        return Converter(
            self.cell, self.name, self.config, self.inventory.copy(), self.converting, self.cooldown, self.conversions
        )


class Oracle:
    """One world, started from what the engine's ``grid_objects`` shows after a reset."""

    def __init__(self, game: GameConfig, objects: Iterable[Mapping[str, Any]], width: int, height: int) -> None:
        self.game, self.width, self.height = game, width, height
        self.names = game.actions.names()
        self.step_count = 0
        self.walls: dict[Cell, str] = {}
        self.converters: dict[Cell, Converter] = {}
        agents: dict[int, Agent] = {}
        for item in objects:
            cell, kind = (int(item["r"]), int(item["c"])), str(item["type"])
            config = game.objects.get(kind)
            if kind == "agent":
                agents[int(item["agent_id"])] = Agent(
                    cell, int(item["group_id"]), int(item["orientation"]), 0, Counter()
                )
            elif isinstance(config, ConverterConfig):
                start = dict.fromkeys(config.output_resources, config.initial_resource_count)
                self.converters[cell] = Converter(cell, kind, config, Counter(start))
            else:
                self.walls[cell] = kind
        self.agents = [agents[i] for i in range(len(agents))]
        self.success = [True] * len(agents)
        self.terminated = self.truncated = False
        give_initial_inventories(self)
        for agent in self.agents:
            agent.visits[agent.cell] += 1
            agent.paid = contributions(self, agent, "delta")

    def step(self, actions: Sequence[int], order: Sequence[int], streams: Streams) -> None:
        """One step; ``order`` is the agents' order within each priority."""
        self.step_count += 1
        for converter in self.converters.values():
            converter.tick()
        for agent in self.agents:
            agent.held_at_start = agent.inventory.copy()
        chosen = [self.names[a] if 0 <= a < len(self.names) else "invalid" for a in actions]
        for attacks in (True, False):
            for index in order:
                if chosen[index].startswith("attack_") is attacks:
                    self.success[index] = self._act(index, chosen[index])
        for index, agent in enumerate(self.agents):
            agent.last_action = actions[index] if chosen[index] != "invalid" else 0
            if agent.frozen:
                agent.frozen -= 1
        run_systems(self, streams)
        for agent in self.agents:
            agent.visits[agent.cell] += 1
        pay(self)
        self.terminated = goal_is_met(self)
        self.truncated = not self.terminated and self.step_count == self.game.max_steps

    def opaque_cells(self) -> set[Cell]:
        """Cells that hide what is behind them."""
        return {cell for cell, name in self.walls.items() if getattr(self.game.objects[name], "opaque", False)}

    def agent_at(self, cell: Cell) -> Agent | None:
        return next((agent for agent in self.agents if agent.cell == cell), None)

    def is_inside(self, cell: Cell) -> bool:
        return 0 <= cell[0] < self.height and 0 <= cell[1] < self.width

    def can_afford(self, agent: Agent, family: str) -> bool:
        cost = self.game.actions.move if family == "move" else self.game.actions.attack
        needs = Counter(cost.required_resources) | Counter(cost.consumed_resources)
        return all(agent.inventory[name] >= amount for name, amount in needs.items())

    def cell_attacked(self, agent: Agent, k: int) -> Cell:
        forward, left = ATTACK_CELLS[k]
        ahead, side = DELTAS[agent.orientation], DELTAS[LEFT_OF[agent.orientation]]
        return (
            agent.cell[0] + forward * ahead[0] + left * side[0],
            agent.cell[1] + forward * ahead[1] + left * side[1],
        )

    def room(self, agent: Agent, resource: str, giver: Agent | None = None) -> int:
        """Units of ``resource`` that the agent can take in this step."""
        return room(self, agent, resource, giver, now=False)

    def room_next(self, agent: Agent, resource: str) -> int:
        """Units of ``resource`` that the agent can take in the next step."""
        return room(self, agent, resource, None, now=True)

    def to_give(self, agent: Agent, resource: str) -> int:
        """Units of ``resource`` that a use may put: what the move itself costs is kept back."""
        return max(0, agent.inventory[resource] - ceil(self.game.actions.move.consumed_resources.get(resource, 0)))

    def _act(self, index: int, action: str) -> bool:
        agent = self.agents[index]
        blocked = agent.frozen > 0
        success = action == "noop" or (action != "invalid" and not blocked and self._try(agent, action))
        family = action.partition("_")[0]
        outcome = "success" if success else "failed"
        agent.stats["action.invalid_index" if action == "invalid" else f"action.{family}.{outcome}"] += 1
        agent.stats["status.frozen.ticks"] += blocked
        agent.penalty = 0.0 if success or blocked else config_of(self, agent).action_failure_penalty
        return success

    def _try(self, agent: Agent, action: str) -> bool:
        family, _, what = action.partition("_")
        if family == "move":
            agent.orientation = ("north", "south", "west", "east").index(what)
        if not self.can_afford(agent, family):
            return False
        done = self._move(agent) if family == "move" else self._attack(agent, int(what))
        if done:
            cost = self.game.actions.move if family == "move" else self.game.actions.attack
            self._pay(agent, {name: int(price) for name, price in cost.consumed_resources.items()})
        return done

    def _move(self, agent: Agent) -> bool:
        delta = DELTAS[agent.orientation]
        cell = (agent.cell[0] + delta[0], agent.cell[1] + delta[1])
        if not self.is_inside(cell) or cell in self.walls or self.agent_at(cell):
            return False
        if cell in self.converters:
            return self.use(agent, self.converters[cell])
        agent.cell = cell
        return True

    def use(self, agent: Agent, converter: Converter) -> bool:
        """Put what the recipe lacks, then take what is offered; whether any unit moved."""
        moved = 0
        for name, amount in converter.config.input_resources.items():
            put = min(max(0, amount - converter.inventory[name]), self.to_give(agent, name))
            converter.inventory[name] += put
            self.lose(agent, name, put)
            moved += put
        for name in converter.config.output_resources:
            taken = min(converter.inventory[name], self.room(agent, name))
            converter.inventory[name] -= taken
            self.gain(agent, name, taken)
            moved += taken
        return moved > 0

    def _attack(self, agent: Agent, k: int) -> bool:
        target = self.agent_at(self.cell_attacked(agent, k))
        if target is None:
            return False
        defense = self.game.actions.attack.defense_resources
        if defense and all(target.inventory[name] >= amount for name, amount in defense.items()):
            self._pay(target, defense)
            agent.stats["attack.blocked"] += 1
        else:
            agent.stats["attack.hit"] += 1
            was_frozen, target.frozen = target.frozen > 0, config_of(self, target).freeze_duration
            if not was_frozen:
                self._loot(agent, target)
        return True

    def _loot(self, agent: Agent, target: Agent) -> None:
        for name in self.game.resource_names:
            if name not in config_of(self, target).soul_bound_resources:
                amount = min(target.inventory[name], self.room(agent, name, target))
                self.lose(target, name, amount)
                self.gain(agent, name, amount)
                agent.stats[f"attack.stolen.{name}"] += amount

    def _pay(self, agent: Agent, amounts: Mapping[str, int]) -> None:
        for name, amount in amounts.items():
            self.lose(agent, name, amount)

    @staticmethod
    def gain(agent: Agent, name: str, amount: int) -> None:
        agent.inventory[name] += amount
        agent.stats[f"{name}.gained"] += amount

    @staticmethod
    def lose(agent: Agent, name: str, amount: int) -> None:
        agent.inventory[name] -= amount
        agent.stats[f"{name}.lost"] += amount
