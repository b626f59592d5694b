"""What the user typed, sorted: words, overrides, flags. Nothing is looked up yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

_FLAGS = {
    "-h": "help",
    "--help": "help",
    "--list": "list_only",
    "--dry-run": "dry_run",
    "-v": "verbose",
    "--verbose": "verbose",
    "--version": "version",
}
_SWEEP_FLAGS = ("-m", "--multirun")
_WORD = re.compile(r"[A-Za-z_][\w.\-]*")
_PREFIX = re.compile(r"[A-Za-z_][\w.]*")
_OVERRIDE = re.compile(r"(\+\+|\+|~)?([A-Za-z_][\w.\-/@:]*)(?:=(.*))?", re.DOTALL)

_MSG_SWEEP = "-m (sweeps over comma-separated values) comes with the sweep tool. Start one run for each value."
_MSG_OVERRIDE = "{token!r} is no override. Expected key=value, +key=value or ~key.{hint}"


@dataclass(frozen=True, slots=True)
class Override:
    """One override as typed: ``change`` key=text, ``add`` +key=text, ``force`` ++key=text, ``delete`` ~key[=text]."""

    operation: str
    key: str
    text: str | None

    def __str__(self) -> str:
        sign = {"change": "", "add": "+", "force": "++", "delete": "~"}[self.operation]
        return f"{sign}{self.key}" + ("" if self.text is None else f"={self.text}")


@dataclass(frozen=True, slots=True)
class Request:
    """A parsed command line. ``words`` are the tokens before the first override: tool, recipe, or a path to a maker."""

    words: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    help_prefix: str = ""
    help: bool = False
    list_only: bool = False
    dry_run: bool = False
    verbose: bool = False
    version: bool = False


def parse_request(argv: Sequence[str]) -> Request:
    """Sort ``argv``; flags may stand anywhere, words come before overrides.

    Raises:
        ConfigError: an unknown flag, or a token that is neither word nor override.
    """
    flags: set[str] = set()
    words: list[str] = []
    overrides: list[Override] = []
    help_prefix = ""
    takes_prefix = False  # a word after `train --help` narrows the help; after a leading `--help` it is the tool
    takes_flags = True
    for token in argv:
        if takes_flags and token == "--":
            takes_flags = False
        elif takes_flags and token in _FLAGS:
            flags.add(_FLAGS[token])
            takes_prefix = "help" in flags and bool(words)
        elif takes_flags and token.startswith("-"):
            raise ConfigError(_flag_fault(token))
        elif takes_prefix and not help_prefix and _PREFIX.fullmatch(token):
            help_prefix = token.rstrip(".")
        elif len(words) < 2 and (not overrides or words == ["control"]) and _WORD.fullmatch(token):
            words.append(token)  # `control run=demo pause`: its verb may stand anywhere
        else:
            overrides.append(parse_override(token))
    _check_flags(flags, words, overrides)
    chosen = dict.fromkeys(flags, True)
    return Request(words=tuple(words), overrides=tuple(overrides), help_prefix=help_prefix, **chosen)


def parse_override(token: str) -> Override:
    """``key=text``, ``+key=text``, ``++key=text``, ``~key`` or ``~key=text``; the text is read later.

    Raises:
        ConfigError: anything else.
    """
    match = _OVERRIDE.fullmatch(token)
    if match is None:
        raise ConfigError(_MSG_OVERRIDE.format(token=token, hint=_override_hint(token)))
    sign, key, text = match.groups()
    if sign != "~" and text is None:
        raise ConfigError(_MSG_OVERRIDE.format(token=token, hint=_override_hint(token)))
    if "@" in key or ":" in key or "/" in key:
        raise ConfigError(f"{token!r}: packages (group@package) and nested groups are not used here. Write key=value.")
    if key.endswith(".") or ".." in key:
        raise ConfigError(f"{token!r}: the key has an empty part.")
    return Override({None: "change", "+": "add", "++": "force", "~": "delete"}[sign], key, text)


def _override_hint(token: str) -> str:
    if "=" not in token:
        word = token.lstrip("+~")
        return f" To set it: {word}=<value>." if _WORD.fullmatch(word) else ""
    key = token.partition("=")[0]
    return " Write no blanks around '='." if key.endswith(" ") or not key else f" {key!r} is no key."


def _flag_fault(token: str) -> str:
    if token in _SWEEP_FLAGS:
        return _MSG_SWEEP
    if "=" in token and token.startswith("--"):
        return f"Unknown option {token!r}. Settings are written without dashes: {token.lstrip('-')}"
    return f"Unknown option {token!r}.{did_you_mean(token, _FLAGS)} Options: {', '.join(sorted(_FLAGS))}."


def _check_flags(flags: set[str], words: list[str], overrides: list[Override]) -> None:
    if "list_only" in flags and overrides:
        raise ConfigError(f"--list takes no overrides, got {overrides[0]}.")
    if overrides and not words and not flags & {"help", "version"}:
        raise ConfigError(
            f"Got the override {overrides[0]}, but no tool. Write it after one, as in: train arena {overrides[0]}"
        )
