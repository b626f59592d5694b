"""Plans: every wiring fault names its components and keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metta.agent.wiring import Node, make_plan
from metta.common.errors import KeyContractError, ShapeContractError


def node(reads: str = "", writes: str = "", after: tuple[str, ...] = ()) -> Node:
    return Node(tuple(reads.split()), tuple(writes.split()), {}, {}, after)


def test_inputs_and_outputs() -> None:
    plan = make_plan({"b": node("y", "z"), "a": node("x", "y")}, None)
    assert (plan.order, plan.inputs, plan.outputs) == (("a", "b"), ("x",), ("z", "y"))


def test_missing_producer() -> None:
    with pytest.raises(KeyContractError, match=r"'b' reads 'featurs', which no component produces.*'features'"):
        make_plan({"a": node("x", "features"), "b": node("featurs", "z")}, {"x"})


def test_two_producers() -> None:
    with pytest.raises(KeyContractError, match=r"'a' and 'b' both produce 'y'"):
        make_plan({"a": node("x", "y"), "b": node("x", "y")}, None)


def test_producing_an_input() -> None:
    with pytest.raises(KeyContractError, match=r"'a' produces 'x', which is an input"):
        make_plan({"a": node("", "x")}, {"x"})


def test_unknown_dependency() -> None:
    with pytest.raises(KeyContractError, match=r"'a' depends on 'lats', which is not registered.*'last'"):
        make_plan({"a": node("x", "y", ("lats",)), "last": node("x", "z")}, None)


def test_cycle_over_keys_and_dependencies() -> None:
    nodes = {"free": node("x", "w"), "a": node("z", "y"), "b": node("y", "q"), "c": node("", "z", ("b",))}
    with pytest.raises(KeyContractError, match=r"cycle") as error:
        make_plan(nodes, None)
    for part in (
        "'a' waits for 'c' (key 'z')",
        "'c' waits for 'b' (explicit dependency)",
        "'b' waits for 'a' (key 'y')",
    ):
        assert part in str(error.value)
    assert "free" not in str(error.value)


def test_a_component_that_feeds_itself_is_a_cycle() -> None:
    with pytest.raises(KeyContractError, match=r"'a' waits for 'a' \(key 'x'\)"):
        make_plan({"a": node("x", "x")}, None)


def test_shapes_of_neighbours_must_agree() -> None:
    source = Node((), ("f",), {}, {"f": (8,)})
    with pytest.raises(ShapeContractError, match=r"key 'f': component 'a' produces shape \(8,\), component 'b' reads"):
        make_plan({"a": source, "b": Node(("f",), (), {"f": (9,)}, {})}, None)
    make_plan({"a": source, "b": Node(("f",), (), {"f": (None,)}, {})}, None)


@given(st.permutations(range(7)), st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=15))
def test_producers_always_run_first(registration: list[int], edges: set[tuple[int, int]]) -> None:
    """Random acyclic graphs (edges only from lower to higher numbers), registered in any order."""
    reads = {i: " ".join(f"k{a}" for a, b in sorted(edges) if b == i and a < b) for i in range(7)}
    plan = make_plan({f"n{i}": node(reads[i], f"k{i}") for i in registration}, set())
    place = {name: index for index, name in enumerate(plan.order)}
    assert sorted(place) == [f"n{i}" for i in range(7)]
    assert all(place[f"n{a}"] < place[f"n{b}"] for a, b in edges if a < b)
