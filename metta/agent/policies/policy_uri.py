"""Whether a policy URI leads anywhere: told before torch is loaded. Knows no torch."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from metta.common.errors import CheckpointError, ConfigError
from metta.common.suggest import did_you_mean
from metta.common.uri import parse_policy_uri, resolve_latest

MOCK_NAMES = ("random", "noop", "arena_teacher", "navigation_teacher")
"""Scripted policies, ``mock://<name>``; metta/agent/policies/mock.py has them."""


def check_policy_uris(key: str, uris: Iterable[str], *, trained: bool = False) -> None:
    """Refuse what cannot be read, and what is not there; ``key`` is the setting that holds ``uris``. What the files
    hold is looked at when they are loaded. ``trained``: scripted policies will not do.

    >>> check_policy_uris("policy_uri", ["mock://random"])

    Raises:
        ConfigError: a URI cannot be read, or names an unknown scripted policy.
        CheckpointError: no policy is there.
    """
    for text in uris:
        uri = parse_policy_uri(text)
        if uri.path is None and trained:
            raise CheckpointError(
                f"{key}={text} is a scripted policy without weights; expected file://<path of a .mpt>."
            )
        if uri.path is None:
            check_mock_name(uri.name)
            continue
        try:
            resolve_latest(uri.path)
        except CheckpointError as error:
            raise CheckpointError(f"{key}={text}: {error}") from error


def check_mock_name(name: str, known: Collection[str] = MOCK_NAMES) -> None:
    """Refuse ``mock://<name>`` where ``known`` has none of that name.

    Raises:
        ConfigError: with the names that there are.
    """
    if name not in known:
        raise ConfigError(
            f"there is no policy mock://{name}; there are {[f'mock://{other}' for other in known]}."
            f"{did_you_mean(name, known)}"
        )
