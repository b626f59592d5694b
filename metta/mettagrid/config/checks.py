"""Checks that several config classes share. Each message names the key, what it got, what it expected and the cure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from metta.common.suggest import did_you_mean


def check_names(key: str, names: Iterable[str], known: Collection[str], *, what: str, declared_in: str) -> None:
    """Refuse a name that was never declared in the config key ``declared_in``.

    Raises:
        ValueError: the first unknown name, with the nearest known one.
    """
    for name in names:
        if name not in known:
            raise ValueError(
                f"{key} names the {what} {name!r}, but {declared_in} declares {listed(known)}."
                f"{did_you_mean(name, known)} Rename it, or add it to {declared_in}."
            )


def check_stats(key: str, names: Iterable[str], known: Collection[str]) -> None:
    """Refuse a statistic that the engine does not keep.

    Raises:
        ValueError: the first unknown name, with the nearest known one.
    """
    for name in names:
        if name not in known:
            raise ValueError(
                f"{key} names the statistic {name!r}, which the engine does not keep; expected one of {listed(known)}."
                f"{did_you_mean(name, known)} Rename or remove it."
            )


def check_amounts(key: str, amounts: Mapping[str, float], *, least: float = 1, most: int) -> None:
    """Refuse amounts outside ``least .. most``.

    Raises:
        ValueError: the first amount out of range.
    """
    for name, amount in amounts.items():
        if not least <= amount <= most:
            raise ValueError(f"{key}.{name}={amount}, expected {least} .. {most}. Change or remove the entry.")


def check_unique(key: str, names: tuple[str, ...]) -> None:
    """Refuse an empty name and one listed twice.

    Raises:
        ValueError: the first such name.
    """
    for i, name in enumerate(names):
        if not name or name in names[:i]:
            fault = "is listed twice" if name else "is empty"
            raise ValueError(f"{key}[{i}]={name!r} {fault}; expected distinct names. Remove it.")


def listed(names: Iterable[str]) -> str:
    """Sorted names for a message, shortened when there are many.

    >>> listed(["b", "a"])
    "['a', 'b']"
    """
    ordered = sorted(names)
    return str(ordered) if len(ordered) <= 12 else f"{ordered[:12]} and {len(ordered) - 12} more"
