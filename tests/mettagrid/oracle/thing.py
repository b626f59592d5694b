"""What all things of the reference game have in common, and the converter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from metta.mettagrid.config.objects import ConverterConfig
from tests.mettagrid.oracle.agent import Agent, Cell

if TYPE_CHECKING:
    from tests.mettagrid.oracle.world import Oracle

Costs = Mapping[str, int]
Token = tuple[int, int]


class Thing:
    """A thing with a state. ``use``, ``put`` and ``get`` tell whether anything happened; if not, nothing changed."""

    def __init__(self, cell: Cell, name: str, number: int, config: Any) -> None:
        self.cell, self.name, self.number, self.config = cell, name, number, config
        self.inventory: Counter[str] = Counter()
        self.clip = "free"
        """free, clipped, or paid: to be freed when the step ends."""

    def begin_step(self, oracle: Oracle) -> None:
        """Timed events, before the actions."""

    def use(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        """An agent moves into it. ``kept``: what the action costs, kept back."""
        return False

    def put(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        return False

    def get(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        return False

    @property
    def lets_pass(self) -> bool:
        return False

    @property
    def opaque(self) -> bool:
        return False

    def tokens(self, oracle: Oracle) -> list[Token]:
        """What it shows, less its type and ``clipped``."""
        return []

    def shown(self) -> dict[str, Any]:
        """What ``grid_objects`` says about it."""
        return {}

    def copy(self) -> Thing:
        other = type(self).__new__(type(self))
        other.__dict__ = {k: Counter(v) if isinstance(v, Counter) else v for k, v in self.__dict__.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        return other


def spare(agent: Agent, resource: str, kept: Costs) -> int:
    """Units that the agent can hand over, besides what its action costs."""
    return max(0, agent.spendable(resource) - kept.get(resource, 0))


def inventory_tokens(oracle: Oracle, inventory: Mapping[str, int]) -> list[Token]:
    return [(17 + i, inventory[name]) for i, name in enumerate(oracle.game.resource_names) if inventory.get(name)]


class Converter(Thing):
    config: ConverterConfig

    def __init__(self, cell: Cell, name: str, number: int, config: ConverterConfig) -> None:
        super().__init__(cell, name, number, config)
        self.inventory.update(dict.fromkeys(config.output_resources, config.initial_resource_count))
        self.converting = self.cooldown = self.conversions = 0

    def begin_step(self, oracle: Oracle) -> None:
        """Finish, cool down, start."""
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

    def use(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        """Put what the recipe lacks, then take what is offered, for ``use_cost``."""
        price = self.config.use_cost
        kept = Counter(kept) + Counter(price)
        if any(agent.spendable(name) < kept[name] for name in price):
            return False
        put, got = self.put(oracle, agent, kept), self.get(oracle, agent, kept)
        if put or got:
            for name, amount in price.items():
                agent.lose(name, amount)
        return put or got

    def put(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        moved = 0
        for name, amount in oracle.ordered(self.config.input_resources):
            units = min(max(0, amount - self.inventory[name]), spare(agent, name, kept))
            self.inventory[name] += units
            agent.lose(name, units)
            moved += units
        return moved > 0

    def get(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        moved = 0
        for name, _ in oracle.ordered(self.config.output_resources):
            units = min(self.inventory[name], oracle.room(agent, name))
            self.inventory[name] -= units
            agent.gain(name, units)
            moved += units
        return moved > 0

    def tokens(self, oracle: Oracle) -> list[Token]:
        state = [(5, int(self.converting > 0)), (14, self.cooldown)]
        return [token for token in state if token[1]] + inventory_tokens(oracle, self.inventory)

    def shown(self) -> dict[str, Any]:
        return {"conversion_remaining": self.converting, "cooldown_remaining": self.cooldown}
