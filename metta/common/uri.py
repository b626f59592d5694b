"""Where policies come from: ``file://``, ``mock://``; names of artifacts; the latest one of a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from metta.common.errors import CheckpointError, ConfigError
from metta.common.suggest import did_you_mean

Scheme = Literal["file", "mock", "s3", "wandb"]
SUFFIX = ".mpt"

_SCHEMES: tuple[Scheme, ...] = ("file", "mock", "s3", "wandb")
_ARTIFACT = re.compile(r"(?P<run>.+):v(?P<epoch>\d+)\.mpt")
_MAX_SHOWN = 8  # names listed in a message


@dataclass(frozen=True, slots=True)
class PolicyUri:
    """A parsed policy URI. ``path`` is absolute and set for files only; ``name`` is what follows the scheme."""

    scheme: Scheme
    name: str
    path: Path | None = None

    def __str__(self) -> str:
        return to_uri(self.path) if self.path is not None else f"{self.scheme}://{self.name}"


def parse_policy_uri(text: str) -> PolicyUri:
    """Read ``file:///abs``, ``file://./relative``, ``file://~/x``, a bare path, or ``mock://random``.

    >>> parse_policy_uri("mock://random").name
    'random'

    Raises:
        ConfigError: empty text, an unknown scheme, or one that a later version brings.
    """
    if not text.strip():
        raise ConfigError("A policy URI is empty. Expected file://<path>, a bare path, or mock://random.")
    scheme, separator, rest = text.partition("://")
    if not separator:
        return _file_uri(text, text)
    if scheme not in _SCHEMES:
        raise ConfigError(
            f"Policy URI {text!r} has the unknown scheme {scheme!r}.{did_you_mean(scheme, _SCHEMES)} "
            "Expected file://<path>, a bare path, or mock://<name>."
        )
    if scheme in ("s3", "wandb"):
        raise ConfigError(
            f"Policy URI {text!r}: {scheme}:// comes with a later version. Download the .mpt file and use file://<path>."
        )
    if not rest:
        raise ConfigError(
            f"Policy URI {text!r} names nothing. Expected {scheme}://{'random' if scheme == 'mock' else '<path>'}."
        )
    return PolicyUri("mock", rest) if scheme == "mock" else _file_uri(text, unquote(rest))


def _file_uri(text: str, path: str) -> PolicyUri:
    try:
        expanded = Path(path).expanduser()
    except RuntimeError as error:  # ~name of a user that does not exist
        raise ConfigError(f"Policy URI {text!r}: {error}") from error
    # Not resolve(): links keep the name that the user gave. normpath would break 'link/..'; absolute() keeps it.
    return PolicyUri("file", path, expanded.absolute())


def to_uri(path: Path | str) -> str:
    """``file:///abs/path``; the colon of ``run:v5.mpt`` stays readable.

    >>> to_uri("/data/demo/checkpoints/demo:v5.mpt")
    'file:///data/demo/checkpoints/demo:v5.mpt'
    """
    absolute = Path(path).expanduser().absolute()
    return "file://" + str(absolute).replace("%", "%25")  # only what parse_policy_uri would read differently


def artifact_name(run: str, epoch: int) -> str:
    """``<run>:v<epoch>.mpt``.

    >>> artifact_name("demo", 5)
    'demo:v5.mpt'
    """
    if epoch < 0:
        raise ConfigError(f"A policy's epoch is 0 or more, got {epoch}.")
    return f"{run}:v{epoch}{SUFFIX}"


def run_and_epoch(filename: str) -> tuple[str, int]:
    """The inverse of ``artifact_name``.

    >>> run_and_epoch("demo:v5.mpt")
    ('demo', 5)

    Raises:
        CheckpointError: the name is not ``<run>:v<epoch>.mpt``.
    """
    match = _ARTIFACT.fullmatch(filename)
    if match is None:
        raise CheckpointError(
            f"{filename!r} is not the name of a policy. Expected <run>:v<epoch>.mpt, like demo:v5.mpt."
        )
    return match["run"], int(match["epoch"])


def resolve_latest(path: Path | str) -> Path:
    """``path`` itself when it is a file; else the policy of the highest epoch in that folder.

    A run's folder works too: its ``checkpoints/`` is looked into.

    Raises:
        CheckpointError: nothing is there, or no policy; the message lists what is.
    """
    place = Path(path).expanduser()
    if place.is_file():
        return place
    if not place.is_dir():
        raise CheckpointError(f"No policy at {place}: {_what_is_near(place)}")
    for folder in (place, place / "checkpoints"):
        versions = [
            (int(match["epoch"]), found)
            for found in folder.glob(f"*{SUFFIX}")
            if (match := _ARTIFACT.fullmatch(found.name))
        ]
        if versions:
            return max(versions, key=lambda version: (version[0], version[1].name))[1]
    raise CheckpointError(f"No policy (<run>:v<epoch>.mpt) in {place}; it holds {_listing(place)}.")


def _what_is_near(place: Path) -> str:
    """The nearest existing parent and what it holds."""
    parent = place.parent
    while not parent.is_dir():
        parent = parent.parent
    missing = place.relative_to(parent).parts[0]
    names = [entry.name for entry in parent.iterdir()]
    return f"{parent} has no {missing!r}; it holds {_listing(parent)}.{did_you_mean(missing, names)}"


def _listing(folder: Path) -> str:
    names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in folder.iterdir())
    if not names:
        return "nothing"
    more = f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
    return ", ".join(names[:_MAX_SHOWN]) + more
