"""Nearest names, for messages about a misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, options: Iterable[str], limit: int = 3) -> list[str]:
    """The options that look most like ``name``, best first; empty when none is close.

    >>> nearest("arnea", ["arena", "gym"])
    ['arena']
    """
    lowered = {option.lower(): option for option in options}
    return [lowered[match] for match in difflib.get_close_matches(name.lower(), list(lowered), n=limit, cutoff=0.6)]


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """`` Did you mean 'arena'?`` (with a leading blank), or the empty string.

    >>> did_you_mean("arnea", ["arena"])
    " Did you mean 'arena'?"
    """
    matches = nearest(name, options)
    return f" Did you mean {' or '.join(repr(match) for match in matches)}?" if matches else ""
