"""Who feeds whom: the order in which components run, derived from their keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from metta.agent.module import Shape
from metta.common.errors import KeyContractError, ShapeContractError
from metta.common.suggest import did_you_mean

Order = Literal["dependency", "insertion"]


@dataclass(frozen=True, slots=True)
class Node:
    """What the wiring needs to know of a component."""

    in_keys: tuple[str, ...]
    out_keys: tuple[str, ...]
    input_shapes: Mapping[str, Shape]
    output_shapes: Mapping[str, Shape]
    dependencies: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """``order``: component names as they run. ``inputs``: keys that come from outside. ``outputs``: keys produced.

    ``optional``: keys that are taken from outside if they are there.
    """

    order: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    optional: tuple[str, ...] = ()


def make_plan(
    nodes: Mapping[str, Node],
    inputs: Collection[str] | None,
    order: Order = "dependency",
) -> Plan:
    """The execution plan of ``nodes`` (in order of registration).

    Components run after the producers of their keys and after their explicit dependencies; among those that could run,
    the one registered first goes first. With ``order="insertion"`` they run as registered, which must not let one run
    before what it needs. ``inputs`` are the keys that the caller supplies; None: any key that nobody produces comes
    from the caller.

    Raises:
        KeyContractError: a key without producer, a key with two, an unknown dependency, a cycle.
        ShapeContractError: a producer and a consumer of a key declare shapes that cannot be equal.
    """
    producers = _find_producers(nodes, inputs)
    external: dict[str, None] = {}
    optional: dict[str, None] = {}
    waits_for: dict[str, dict[str, str]] = {}
    for name, node in nodes.items():
        reasons = waits_for[name] = {}
        for dependency in node.dependencies:
            _check_registered(dependency, name, nodes)
            reasons[dependency] = "explicit dependency"
        for key in node.in_keys:
            if key in producers:
                reasons[producers[key]] = f"key {key!r}"
                _check_shapes(key, producers[key], nodes[producers[key]], name, node)
            elif key in node.optional:
                optional[key] = None
            elif inputs is None or key in inputs:
                external[key] = None
            else:
                raise _no_producer(name, key, sorted({*producers, *inputs}))
    names = _sort(waits_for)  # also for insertion order: it finds cycles
    names = names if order == "dependency" else _as_registered(waits_for)
    return Plan(names, tuple(external), tuple(producers), tuple(key for key in optional if key not in external))


def _no_producer(name: str, key: str, known: Sequence[str]) -> KeyContractError:
    return KeyContractError(
        f"component {name!r} reads {key!r}, which no component produces and which is not an input; "
        f"known keys are {known}.{did_you_mean(key, known)} Add a component with {key!r} among its out_keys."
    )


def _find_producers(nodes: Mapping[str, Node], inputs: Collection[str] | None) -> dict[str, str]:
    producers: dict[str, str] = {}
    for name, node in nodes.items():
        for key in node.out_keys:
            if key in producers:
                raise KeyContractError(
                    f"components {producers[key]!r} and {name!r} both produce {key!r}. Give one of them another "
                    f"out_key."
                )
            if inputs is not None and key in inputs:
                raise KeyContractError(
                    f"component {name!r} produces {key!r}, which is an input of the container. Give it another out_key."
                )
            producers[key] = name
    return producers


def _check_registered(dependency: str, name: str, nodes: Collection[str]) -> None:
    if dependency not in nodes:
        raise KeyContractError(
            f"component {name!r} depends on {dependency!r}, which is not registered; "
            f"there are {sorted(nodes)}.{did_you_mean(dependency, nodes)}"
        )


def _check_shapes(key: str, producer: str, source: Node, consumer: str, sink: Node) -> None:
    given, wanted = source.output_shapes.get(key), sink.input_shapes.get(key)
    if given is None or wanted is None:
        return
    # Sizes before the last ones pass through components, so one side may name more of them than the other; what holds
    # of the rest is seen at the first call. A single number per row is no vector, though.
    nothing_in_common = not given and any(isinstance(size, int) for size in wanted)
    if nothing_in_common or any(
        isinstance(a, int) and isinstance(b, int) and a != b
        for a, b in zip(reversed(given), reversed(wanted), strict=False)
    ):
        raise ShapeContractError(
            f"key {key!r}: component {producer!r} produces shape {given}, component {consumer!r} reads {wanted}. "
            f"Make the sizes of the two agree."
        )


def _sort(waits_for: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    order: list[str] = []
    done: set[str] = set()
    left = list(waits_for)
    while left:
        ready = next((name for name in left if done.issuperset(waits_for[name])), None)
        if ready is None:
            raise KeyContractError(_describe_cycle(waits_for, left))
        order.append(ready)
        done.add(ready)
        left.remove(ready)
    return tuple(order)


def _as_registered(waits_for: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    done: set[str] = set()
    for name, reasons in waits_for.items():
        for other, reason in reasons.items():
            if other not in done:
                raise KeyContractError(
                    f"component {name!r} was added before {other!r}, for which it waits ({reason}). Add {other!r} "
                    'first, or build the container with order="dependency".'
                )
        done.add(name)
    return tuple(waits_for)


def _describe_cycle(waits_for: Mapping[str, Mapping[str, str]], left: Sequence[str]) -> str:
    # Each component that is left waits for another one that is left, so walking back must meet itself again.
    path = [left[0]]
    while path[-1] not in path[:-1]:
        path.append(next(name for name in waits_for[path[-1]] if name in left))
    cycle = path[path.index(path[-1]) :]
    steps = [f"{a!r} waits for {b!r} ({waits_for[a][b]})" for a, b in pairwise(cycle)]
    return f"components wait for each other in a cycle: {', '.join(steps)}. Rename a key or drop a dependency."
