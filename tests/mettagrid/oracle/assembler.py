"""Assemblers of the reference game, from docs/mettagrid/objects.md: everything is split unit by unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Any

from metta.mettagrid.config.kinds.assembler import AssemblerRecipeConfig
from metta.mettagrid.config.objects import AssemblerConfig
from tests.mettagrid.oracle.agent import POSITIONS, Agent, Cell, shifted
from tests.mettagrid.oracle.thing import Costs, Thing, Token, spare

if TYPE_CHECKING:
    from tests.mettagrid.oracle.world import Oracle

LONGEST = 65_535


class Assembler(Thing):
    config: AssemblerConfig

    def __init__(self, cell: Cell, name: str, number: int, config: AssemblerConfig) -> None:
        super().__init__(cell, name, number, config)
        self.around: dict[str, int] = {}
        """Position -> number of the agent that stood there when the step began."""
        self.recipe: AssemblerRecipeConfig | None = None
        self.cooldown = self.whole_cooldown = self.uses = 0

    def begin_step(self, oracle: Oracle) -> None:
        self.cooldown = max(0, self.cooldown - 1)
        agents = {position: oracle.agent_at(shifted(self.cell, delta)) for position, delta in POSITIONS.items()}
        self.around = {position: agent.index for position, agent in agents.items() if agent}
        self.recipe = self._recipe(oracle)

    def _recipe(self, oracle: Oracle) -> AssemblerRecipeConfig | None:
        if self.config.match == "positions":
            fits = [recipe for recipe in self.config.recipes if self._is_in_place(recipe)]
            return fits[0] if fits else None
        glyphs = sorted(g for g in (oracle.agents[i].glyph for i in self.around.values()) if g)
        enough = [recipe for recipe in self.config.recipes if recipe.min_agents <= len(self.around)]
        fits = [recipe for recipe in enough if recipe.glyphs and sorted(recipe.glyphs) == glyphs]
        fits = fits or [recipe for recipe in enough if not recipe.glyphs]
        return max(fits, key=lambda recipe: recipe.min_agents, default=None)

    def _is_in_place(self, recipe: AssemblerRecipeConfig) -> bool:
        named = [position for position in recipe.positions if position != "Any"]
        return len(self.around) == len(recipe.positions) and all(position in self.around for position in named)

    def use(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        recipe, config = self.recipe, self.config
        if recipe is None or (config.max_uses and self.uses >= config.max_uses):
            return False
        part = Fraction(1)
        if self.cooldown:
            part = 1 - Fraction(self.cooldown, self.whole_cooldown) if config.allow_partial_usage else Fraction(0)
        if part == 0:
            return False
        inputs = {name: ceil(part * amount) for name, amount in recipe.input_resources.items()}
        outputs = {name: floor(part * amount) for name, amount in recipe.output_resources.items()}
        party = [agent, *(oracle.agents[i] for i in self.around.values() if i != agent.index)]
        receivers = party[:1] if config.outputs_to == "user" else party
        if not self._can_pay(party, inputs, kept) or (outputs and not _fits(oracle, receivers, outputs)):
            return False
        for name, amount in oracle.ordered(inputs):
            self._pay(party, name, amount, kept)
        for name, amount in oracle.ordered(outputs):
            _give(oracle, receivers, name, amount)
        tired = (1 + Fraction(config.exhaustion)) ** min(self.uses, 100)
        self.cooldown = self.whole_cooldown = min(LONGEST, floor(recipe.cooldown * tired))
        self.uses += 1
        agent.stats[f"object.{self.name}.used"] += 1
        return True

    def get(self, oracle: Oracle, agent: Agent, kept: Costs) -> bool:
        return self.use(oracle, agent, kept)

    def _means(self, party: Sequence[Agent], name: str, kept: Costs) -> list[int]:
        return [spare(one, name, kept if one is party[0] else {}) for one in party]

    def _can_pay(self, party: Sequence[Agent], inputs: Mapping[str, int], kept: Costs) -> bool:
        return all(sum(self._means(party, name, kept)) >= amount for name, amount in inputs.items())

    def _pay(self, party: Sequence[Agent], name: str, amount: int, kept: Costs) -> None:
        means = self._means(party, name, kept)
        paid = Counter[int]()
        turns = [i for i, units in enumerate(means) for _ in range(units)]
        if self.config.inputs_from == "even":  # one unit each, again and again
            turns = [i for turn in range(max(means)) for i, units in enumerate(means) if units > turn]
        paid.update(turns[:amount])
        for i, units in paid.items():
            party[i].lose(name, units)

    def tokens(self, oracle: Oracle) -> list[Token]:
        found = [(14, self.cooldown)] if self.cooldown else []
        return found + ([(16, max(0, self.config.max_uses - self.uses))] if self.config.max_uses else [])

    def shown(self) -> dict[str, Any]:
        return {"cooldown_remaining": self.cooldown, "uses": self.uses}


def _fits(oracle: Oracle, receivers: Sequence[Agent], outputs: Mapping[str, int]) -> bool:
    return any(amount and oracle.room(one, name) for name, amount in outputs.items() for one in receivers)


def _give(oracle: Oracle, receivers: Sequence[Agent], name: str, amount: int) -> None:
    """One unit each, again and again, to those that have room."""
    while amount:
        given = 0
        for one in receivers:
            if amount and oracle.room(one, name):
                one.gain(name, 1)
                amount -= 1
                given += 1
        if not given:
            return
