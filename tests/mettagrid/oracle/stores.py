"""Chests, doors and plants of the reference game, from docs/mettagrid/objects.md."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from metta.mettagrid.config.objects import ChestConfig, DoorConfig, PlantConfig
from tests.mettagrid.oracle.agent import POSITIONS, Agent, Cell, shifted
from tests.mettagrid.oracle.thing import Costs, Thing, Token, inventory_tokens, spare

if TYPE_CHECKING:
    from tests.mettagrid.oracle.world import Oracle

GROWTH = 10
"""Purpose of the streams."""


class Chest(Thing):
    config: ChestConfig

    def __init__(self, cell: Cell, name: str, number: int, config: ChestConfig) -> None:
        super().__init__(cell, name, number, config)
        self.inventory[config.resource] = config.initial
        self.at_start = Counter(self.inventory)

    def begin_step(self, oracle: Oracle) -> None:
        self.at_start = Counter(self.inventory)

    def use(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        if (entry := self._entry(agent)) is not None:
            return self._move(oracle, agent, kept, entry)
        return self.put(oracle, agent, kept) or self.get(oracle, agent, kept)

    def put(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        if (entry := self._entry(agent)) is not None:
            return self._move(oracle, agent, kept, {name: amount for name, amount in entry.items() if amount > 0})
        sides = self.config.deposit_positions
        return self._is_at(agent, sides) and self._move(oracle, agent, kept, {self.config.resource: self.config.amount})

    def get(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        if (entry := self._entry(agent)) is not None:
            return self._move(oracle, agent, kept, {name: amount for name, amount in entry.items() if amount < 0})
        sides, amounts = self.config.withdrawal_positions, {self.config.resource: -self.config.amount}
        return self._is_at(agent, sides) and self._move(oracle, agent, kept, amounts)

    def _entry(self, agent: Agent) -> dict[str, int] | None:
        return next((entry.amounts for entry in self.config.glyph_transfers if entry.glyph == agent.glyph), None)

    def _is_at(self, agent: Agent, sides: tuple[str, ...]) -> bool:
        return agent.cell in [shifted(self.cell, POSITIONS[side]) for side in sides]

    def _move(self, oracle: Oracle, agent: Agent, kept: Costs, amounts: dict[str, int]) -> bool:
        into = out = 0
        for name, amount in oracle.ordered(amounts):
            now, start = self.inventory[name], self.at_start[name]
            if amount > 0:
                units = max(0, min(amount, spare(agent, name, kept), self.config.limit - max(now, start)))
                agent.lose(name, units)
                into += units
            else:
                units = -min(-amount, now, start, oracle.room(agent, name))
                agent.gain(name, -units)
                out -= units
            self.inventory[name] += units
        agent.stats[f"object.{self.name}.used"] += into + out > 0
        agent.stats[f"object.{self.name}.deposited"] += into
        agent.stats[f"object.{self.name}.withdrawn"] += out
        return into + out > 0

    def tokens(self, oracle: Oracle) -> list[Token]:
        return inventory_tokens(oracle, self.inventory)


class Door(Thing):
    config: DoorConfig

    def __init__(self, cell: Cell, name: str, number: int, config: DoorConfig) -> None:
        super().__init__(cell, name, number, config)
        self.is_open = config.starts_open
        self.left = config.open_ticks if config.starts_open else 0
        """Steps of passage that are left; of an open door with ``open_ticks = 0`` always 0."""
        self.opens = False
        """Somebody opened it in this step."""

    def begin_step(self, oracle: Oracle) -> None:
        if not self.is_open or not self.config.open_ticks:
            return
        if self.left == 0 and oracle.agent_at(self.cell) is None:
            self.is_open = False
        self.left = max(0, self.left - 1)

    def end_actions(self) -> None:
        if self.opens:
            self.is_open, self.left, self.opens = True, self.config.open_ticks, False

    @property
    def lets_pass(self) -> bool:
        return self.is_open

    @property
    def opaque(self) -> bool:
        return self.config.opaque and not self.is_open

    def use(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        key = self.config.key_resources
        if self.is_open or self.opens or any(spare(agent, name, kept) < amount for name, amount in key.items()):
            return False
        for name, amount in key.items() if self.config.consumes_key else ():
            agent.lose(name, amount)
        self.opens = True
        agent.stats[f"object.{self.name}.used"] += 1
        return True

    def put(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        return self.use(oracle, agent, kept)

    def tokens(self, oracle: Oracle) -> list[Token]:
        return [token for token in ((9, int(self.is_open)), (14, self.left)) if token[1]]

    def shown(self) -> dict[str, Any]:
        return {"open": self.is_open, "cooldown_remaining": self.left}


class Plant(Thing):
    config: PlantConfig

    def __init__(self, cell: Cell, name: str, number: int, config: PlantConfig) -> None:
        super().__init__(cell, name, number, config)
        self.inventory[config.resource] = config.initial_stock
        self.was_bare = False
        """When the step began: what grew since can be taken from the next step on."""

    @property
    def stock(self) -> int:
        return self.inventory[self.config.resource]

    def begin_step(self, oracle: Oracle) -> None:
        self.was_bare = self.stock == 0

    def grow(self, oracle: Oracle) -> None:
        """After all patches have begun the step."""
        config = self.config
        if self.stock >= config.max_stock or oracle.streams is None:
            return
        others = [thing for thing in oracle.things.values() if isinstance(thing, Plant) and thing is not self]
        near = [other for other in others if other.name == self.name and self._square(other) <= config.radius**2]
        neighbours = sum(not other.was_bare for other in near)
        chance = Fraction(config.growth[min(neighbours, len(config.growth) - 1)])
        if chance and Fraction(next(oracle.streams(GROWTH, self.number)), 2**32) < chance:
            self.inventory[config.resource] += 1

    def _square(self, other: Plant) -> int:
        return (self.cell[0] - other.cell[0]) ** 2 + (self.cell[1] - other.cell[1]) ** 2

    def use(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        name = self.config.resource
        units = 0 if self.was_bare else min(self.config.harvest, self.stock, oracle.room(agent, name))
        self.inventory[name] -= units
        agent.gain(name, units)
        agent.stats[f"object.{self.name}.used"] += units > 0
        return units > 0

    def get(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        return self.use(oracle, agent, kept)

    def tokens(self, oracle: Oracle) -> list[Token]:
        return inventory_tokens(oracle, self.inventory)

    def shown(self) -> dict[str, Any]:
        return {"stock": self.stock}
