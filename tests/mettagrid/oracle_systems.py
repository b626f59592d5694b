"""The world systems of docs/mettagrid/systems.md once more, slowly: exact fractions instead of fixed point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.mettagrid.oracle import Agent, Oracle

RESOURCE_LOSS, UPKEEP = 5, 6
"""Purposes of the streams."""

Streams = Callable[[int, int], Iterator[int]]
"""(purpose, agent) -> the random words of this step."""


def run_systems(oracle: Oracle, streams: Streams) -> None:
    """What happens after the actions of a step."""
    for index, agent in enumerate(oracle.agents):
        _lose(oracle, agent, streams(RESOURCE_LOSS, index))
    for agent in oracle.agents:
        _regenerate(oracle, agent)
    for index, agent in enumerate(oracle.agents):
        _pay_upkeep(oracle, agent, streams(UPKEEP, index))


def whole(amount: Fraction, stream: Iterator[int]) -> int:
    """Whole units of ``amount``; the fraction is one more with that probability."""
    units = floor(amount)
    return units + (amount > units and Fraction(next(stream), 2**32) < amount - units)


def _exact(number: float) -> Fraction:
    """Rates are kept to 2**-32."""
    return Fraction(floor(number * 2**32 + 0.5), 2**32)


def _by_resource(oracle: Oracle, numbers: dict[str, float]) -> list[tuple[str, Fraction]]:
    return [(name, _exact(numbers[name])) for name in oracle.game.resource_names if name in numbers]


def _lose(oracle: Oracle, agent: Agent, stream: Iterator[int]) -> None:
    loss = oracle.game.systems.resource_loss
    for name, share in _by_resource(oracle, loss.probability if loss else {}):
        oracle.lose(agent, name, whole(share * agent.inventory[name], stream))


def _regenerate(oracle: Oracle, agent: Agent) -> None:
    regeneration = oracle.game.systems.regeneration
    if regeneration and oracle.step_count % regeneration.interval == 0:
        for name, amount in regeneration.amounts.items():
            oracle.gain(agent, name, min(amount, oracle.room_next(agent, name)))


def _pay_upkeep(oracle: Oracle, agent: Agent, stream: Iterator[int]) -> None:
    upkeep = oracle.game.systems.upkeep
    short = False
    for name, price in _by_resource(oracle, upkeep.resources if upkeep else {}):
        due = whole(price, stream)
        short |= due > agent.inventory[name]
        oracle.lose(agent, name, min(due, agent.inventory[name]))
    agent.stats["upkeep.unpaid"] += short
    if short and upkeep and upkeep.on_shortage == "freeze":
        agent.frozen = max(agent.frozen, 1)
