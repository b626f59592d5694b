"""Symbolic sizes: how they are spelled, equated and checked."""

from __future__ import annotations

import pytest

from metta.agent.symbols import ShapeVariable, SymbolTable, read_size
from metta.common.errors import ConfigError, ShapeContractError


def test_spellings_say_the_same() -> None:
    variable = ShapeVariable("seq_len", constraints=[(">=", 1), ("<=", 2048)])
    assert read_size("seq_len >= 1, <=2048") == read_size(variable) == ("seq_len", ((">=", 1), ("<=", 2048)))
    assert (read_size(64), read_size(-1), read_size(None)) == ((64, ()), (None, ()), (None, ()))


@pytest.mark.parametrize("wrong", [0, -2, 1.5, True, "2048", "seq len", "seq_len =< 4", ""])
def test_what_is_no_size_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_size(wrong)


def test_equal_names_share_what_is_known_of_one() -> None:
    table = SymbolTable({"length": (("<=", 8),)})
    assert table.unify("attention.seq", "length") == "length"
    assert table.unify("memory.steps", "attention.seq") == "length"
    assert table.unify(4, "memory.steps") == 4
    assert [table.resolve(name) for name in ("length", "attention.seq", "memory.steps")] == [4, 4, 4]
    with pytest.raises(ShapeContractError, match="4 is not 5"):
        table.unify("length", 5)
    assert table.check_sizes({"length": 3}) == ["length is 3, expected 4"]


def test_constraints_meet_when_names_do() -> None:
    table = SymbolTable({"a": ((">=", 2),), "b": (("%", 4),)})
    table.unify("a", "b")
    with pytest.raises(ShapeContractError, match="to be % 4"):
        table.unify("a", 6)
    with pytest.raises(ShapeContractError, match="to be >= 2"):
        table.unify("b", 0)
    assert table.unify("b", 8) == table.resolve("a") == 8


def test_actual_shapes() -> None:
    table = SymbolTable({"seq": (("<=", 4),)})
    assert table.check_shapes({"x": (("seq", 3), (2, 4, 3)), "m": (("seq",), (2, 4))}) == []
    faults = table.check_shapes({"x": (("seq", 3), (2, 5, 3)), "m": (("seq",), (2, 4))})
    assert faults == ["seq is 5 elsewhere, but 4 in 'm'", "seq is 5, expected <= 4"]
