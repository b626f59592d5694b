"""Symbolic sizes: a name for a size that is not known yet, and what may be said of it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from metta.common.errors import ConfigError, ShapeContractError

Size = int | str | None
"""A number, the name of a symbolic size, or None for any."""
Constraint = tuple[str, int]

_OPERATORS: dict[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "%": lambda size, divisor: size % divisor == 0,
}
_CONSTRAINT = re.compile(r"\s*(>=|<=|==|>|<|%)\s*(\d+)\s*")
_SIZE = re.compile(r"\s*([A-Za-z_]\w*)\s*(.*?)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class ShapeVariable:
    """A symbolic size with constraints, for ``input_shapes`` of a network's config.

    Constraints are pairs of an operator (``>= <= > < ==``, and ``%`` for "divisible by") and a number.

    >>> ShapeVariable("seq_len", constraints=[("<=", 2048)]).violated(4096)
    ['<= 2048']
    """

    name: str
    constraints: Iterable[Constraint] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "constraints", read_constraints(self.constraints, self.name))

    def violated(self, size: int) -> list[str]:
        """The constraints that ``size`` breaks, as text."""
        return [f"{op} {number}" for op, number in self.constraints if not _OPERATORS[op](size, number)]


def read_constraints(value: str | Iterable[object], name: str) -> tuple[Constraint, ...]:
    """Constraints from ``">= 1, <= 64"`` or ``[(">=", 1), ("<=", 64)]``.

    Raises:
        ConfigError: an unknown operator, or no whole number.
    """
    found: list[Constraint] = []
    for entry in value.split(",") if isinstance(value, str) else value:
        text = entry if isinstance(entry, str) else " ".join(str(part) for part in _parts(entry))
        match = _CONSTRAINT.fullmatch(text)
        if match is None:
            raise ConfigError(
                f"constraint {text!r} of the symbolic size {name!r} cannot be read; expected an operator of "
                f'{list(_OPERATORS)} and a whole number, such as ">= 1" or [">=", 1].'
            )
        found.append((match[1], int(match[2])))
    return tuple(found)


def read_size(value: object) -> tuple[Size, tuple[Constraint, ...]]:
    """A size as configs spell it: ``64``, ``-1`` or None (any), ``"seq_len"``, ``"seq_len <= 2048"``, a variable.

    Raises:
        ConfigError: it is none of these.
    """
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value == -1):
        return None, ()
    if isinstance(value, ShapeVariable):
        return value.name, tuple(value.constraints)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value, ()
    if isinstance(value, str) and (match := _SIZE.fullmatch(value)) is not None:
        return match[1], read_constraints(match[2], match[1]) if match[2] else ()
    raise ConfigError(
        f"size {value!r} cannot be read; expected a number above 0, a name such as seq_len, or null for any size."
    )


class SymbolTable:
    """What is known of the symbolic sizes of one network while its shapes are inferred.

    >>> table = SymbolTable({"seq_len": (("<=", 2048),)})
    >>> table.unify("seq_len", 512), table.resolve("seq_len")
    (512, 512)
    """

    def __init__(self, constraints: Mapping[str, tuple[Constraint, ...]] | None = None) -> None:
        self._variables = {name: ShapeVariable(name, given) for name, given in (constraints or {}).items()}
        self._bound: dict[str, int | str] = {}

    def resolve(self, size: Size) -> Size:
        """A number where it is known by now, else the name that stands for all equal ones."""
        while isinstance(size, str) and size in self._bound:
            size = self._bound[size]
        return size

    def unify(self, one: Size, other: Size) -> Size:
        """Note that two sizes are equal.

        Raises:
            ShapeContractError: they cannot be, or a constraint is broken.
        """
        one, other = self.resolve(one), self.resolve(other)
        if one is None or other is None or one == other:
            return other if one is None else one
        if isinstance(one, int) and isinstance(other, int):
            raise ShapeContractError(f"{one} is not {other}")
        if isinstance(one, int) or (isinstance(other, str) and "." in other):
            one, other = other, one  # what is kept: a number, else the network's own name, not `<component>.<name>`
        assert isinstance(one, str)
        if isinstance(other, int):
            self._check(one, other)
        elif one in self._variables:
            merged = (*self._variables[one].constraints, *self._of(other).constraints)
            self._variables[other] = ShapeVariable(other, merged)
        self._bound[one] = other
        return other

    def check_sizes(self, sizes: Mapping[str, int]) -> list[str]:
        """Faults of actual sizes by symbol: broken constraints, and sizes that are known to be others."""
        faults: list[str] = []
        for name, size in sizes.items():
            known = self.resolve(name)
            if isinstance(known, int) and known != size:
                faults.append(f"{name} is {size}, expected {known}")
            representative = known if isinstance(known, str) else name
            faults += [f"{name} is {size}, expected {text}" for text in self._of(representative).violated(size)]
        return faults

    def check_shapes(self, shapes: Mapping[str, tuple[tuple[Size, ...], tuple[int, ...]]]) -> list[str]:
        """Faults of actual shapes by key, each given as (declared trailing sizes, actual sizes)."""
        faults: list[str] = []
        sizes: dict[str, int] = {}
        for key, (declared, actual) in shapes.items():
            for name, size in zip(declared, actual[len(actual) - len(declared) :], strict=False):
                if isinstance(name, str) and sizes.setdefault(name, size) != size:
                    faults.append(f"{name} is {sizes[name]} elsewhere, but {size} in {key!r}")
        return faults + self.check_sizes(sizes)

    def _of(self, name: str) -> ShapeVariable:
        return self._variables.get(name) or ShapeVariable(name)

    def _check(self, name: str, size: int) -> None:
        if broken := self._of(name).violated(size):
            raise ShapeContractError(f"{name} would be {size}, but is to be {' and '.join(broken)}")


def _parts(entry: object) -> tuple[object, ...]:
    return tuple(entry) if isinstance(entry, tuple | list) else (entry,)
