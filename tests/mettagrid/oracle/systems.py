"""The world systems of docs/mettagrid/systems.md once more, slowly: exact fractions instead of fixed point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

from tests.mettagrid.oracle.clipper import run_clipper
from tests.mettagrid.oracle.turnover import run_health, run_population

if TYPE_CHECKING:
    from tests.mettagrid.oracle.agent import Agent
    from tests.mettagrid.oracle.world import Oracle

COST, RESOURCE_LOSS, UPKEEP = 4, 5, 6
"""Purposes of the streams."""

Streams = Callable[[int, int], Iterator[int]]
"""(purpose, agent) -> the random words of this step."""


def run_systems(oracle: Oracle, streams: Streams) -> None:
    """What happens after the actions of a step."""
    for agent in _here(oracle):
        _lose(oracle, agent, streams(RESOURCE_LOSS, agent.index))
    for agent in _here(oracle):
        _regenerate(oracle, agent)
    for agent in _here(oracle):
        _pay_upkeep(oracle, agent, streams(UPKEEP, agent.index))
    for agent in _here(oracle):
        _pay_shield(oracle, agent)
    run_clipper(oracle, streams)
    run_health(oracle, streams)
    run_population(oracle, streams)


def _here(oracle: Oracle) -> list[Agent]:
    return [agent for agent in oracle.agents if agent.cell is not None]


def whole(amount: Fraction, stream: Iterator[int]) -> int:
    """Whole units of ``amount``; the fraction is one more with that probability."""
    units = floor(amount)
    return units + (amount > units and Fraction(next(stream), 2**32) < amount - units)


def whole_units(price: float, stream: Iterator[int]) -> int:
    """Whole units of a price."""
    return whole(_exact(price), stream)


def _exact(number: float) -> Fraction:
    """Rates are kept to 2**-32."""
    return Fraction(floor(number * 2**32 + 0.5), 2**32)


def _by_resource(oracle: Oracle, numbers: dict[str, float]) -> list[tuple[str, Fraction]]:
    return [(name, _exact(numbers[name])) for name in oracle.game.resource_names if name in numbers]


def _lose(oracle: Oracle, agent: Agent, stream: Iterator[int]) -> None:
    loss = oracle.game.systems.resource_loss
    for name, share in _by_resource(oracle, loss.probability if loss else {}):
        agent.lose(name, whole(share * agent.inventory[name], stream))


def _regenerate(oracle: Oracle, agent: Agent) -> None:
    regeneration = oracle.game.systems.regeneration
    if regeneration and oracle.step_count % regeneration.interval == 0:
        for name, amount in oracle.ordered(regeneration.amounts):
            agent.gain(name, min(amount, oracle.room_next(agent, name)))


def _pay_upkeep(oracle: Oracle, agent: Agent, stream: Iterator[int]) -> None:
    upkeep = oracle.game.systems.upkeep
    short = False
    for name, price in _by_resource(oracle, upkeep.resources if upkeep else {}):
        due = whole(price, stream)
        short |= due > agent.inventory[name]
        agent.lose(name, min(due, agent.inventory[name]))
    agent.stats["upkeep.unpaid"] += short
    if not short or upkeep is None:
        return
    agent.shield = False
    if upkeep.on_shortage == "freeze":
        agent.frozen = max(agent.frozen, 1)
    health = oracle.game.systems.health
    if upkeep.on_shortage == "die" and health:  # which the lack of hit points brings about
        agent.lose(health.resource, agent.inventory[health.resource])


def _pay_shield(oracle: Oracle, agent: Agent) -> None:
    shield = oracle.game.actions.shield
    if not agent.shield:
        return
    held = agent.inventory[shield.resource]
    if held >= shield.upkeep:
        agent.lose(shield.resource, shield.upkeep)
        agent.stats["shield.upkeep"] += shield.upkeep
    if held <= shield.upkeep:
        agent.shield = False
