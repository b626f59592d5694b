"""The clipper of docs/mettagrid/systems.md."""

from __future__ import annotations

from itertools import islice
from math import isqrt
from typing import TYPE_CHECKING

from metta.mettagrid.config.systems import CLIPPABLE
from tests.mettagrid.oracle.thing import Thing
from tests.mettagrid.philox import below

if TYPE_CHECKING:
    from tests.mettagrid.oracle.systems import Streams
    from tests.mettagrid.oracle.world import Oracle

CLIPPER = 7
"""Purpose of the stream."""


def run_clipper(oracle: Oracle, streams: Streams) -> None:
    clipper = oracle.game.systems.clipper
    if clipper is None:
        return
    targets = _targets(oracle)
    for thing in targets:
        if thing.clip == "paid":
            thing.clip = "free"
    stream = streams(CLIPPER, 0)
    if clipper.rate:
        for thing, word in zip(targets, islice(stream, len(targets)), strict=True):
            if word < clipper.rate * 2**32:
                thing.clip = "clipped"
    elif below(stream, clipper.period) == 0:
        free = [thing for thing in targets if thing.clip == "free"]
        weights = [_weight(oracle, thing, targets) for thing in free]
        if not any(weights):
            weights = [1] * len(free)
        if free:
            drawn = below(stream, sum(weights))
            number = next(i for i in range(len(free)) if drawn < sum(weights[: i + 1]))
            free[number].clip = "clipped"


def _targets(oracle: Oracle) -> list[Thing]:
    clipper = oracle.game.systems.clipper
    named = clipper.objects if clipper and clipper.objects else tuple(oracle.game.objects)
    return [t for t in oracle.things.values() if t.name in named and oracle.game.objects[t.name].type in CLIPPABLE]


def _weight(oracle: Oracle, thing: Thing, targets: list[Thing]) -> int:
    clipper = oracle.game.systems.clipper
    assert clipper is not None
    # floor(sqrt(area / objects) / 2), in whole numbers.
    scale = clipper.length_scale or max(1, isqrt(oracle.width * oracle.height // (4 * len(targets))))
    weight = 0
    for other in targets:
        if other.clip == "clipped":
            apart = max(abs(thing.cell[0] - other.cell[0]), abs(thing.cell[1] - other.cell[1])) // scale
            weight += 2 ** (clipper.cutoff - apart) if apart <= clipper.cutoff else 0
    return weight
