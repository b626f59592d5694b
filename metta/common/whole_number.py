"""Whole numbers from callers, checked: numpy's and Python's alike, but no floats and no text."""

from __future__ import annotations

import operator

from metta.common.errors import ConfigError


def whole_number(number: object) -> int | None:
    """The value of any kind of integer, numpy's included; None for what is none.

    >>> whole_number(7), whole_number(1.5), whole_number("7")
    (7, None, None)
    """
    try:
        return operator.index(number)  # pyright: ignore[reportArgumentType] - asking is the point
    except TypeError:
        return None


def checked_seed(seed: object) -> int:
    """A seed of the engine.

    Raises:
        ConfigError: no whole number of 0 .. 2**64 - 1.
    """
    number = whole_number(seed)
    if number is None or not 0 <= number < 2**64:
        raise ConfigError(f"seed={seed!r}, expected 0 .. 2**64 - 1, a whole number. Set system.seed.")
    return number
