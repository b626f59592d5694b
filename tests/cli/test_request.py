"""Tokens sorted into words, overrides and flags."""

from __future__ import annotations

import pytest

from metta.cli.request import Override, Request, parse_override, parse_request
from metta.common.errors import ConfigError


def test_two_tokens_and_overrides() -> None:
    request = parse_request(["train", "arena", "run=demo", "~wandb", "+a.b=1", "++c=", "--dry-run", "-v"])
    assert request.words == ("train", "arena")
    assert [str(override) for override in request.overrides] == ["run=demo", "~wandb", "+a.b=1", "++c="]
    assert (request.dry_run, request.verbose, request.help) == (True, True, False)


@pytest.mark.parametrize(
    ("argv", "words", "prefix"),
    [
        (["--help"], (), ""),
        (["train", "--help"], ("train",), ""),
        (["train", "arena", "--help", "trainer."], ("train", "arena"), "trainer"),
        (["train", "--help", "trainer.losses"], ("train",), "trainer.losses"),
        (["--help", "train", "arena"], ("train", "arena"), ""),
        (["-h", "train"], ("train",), ""),
    ],
)
def test_help_and_its_prefix(argv: list[str], words: tuple[str, ...], prefix: str) -> None:
    request = parse_request(argv)
    assert (request.words, request.help_prefix, request.help) == (words, prefix, True)


def test_the_text_after_the_first_equals_sign_is_kept_as_it_is() -> None:
    assert parse_override("a=b=c d\n") == Override("change", "a", "b=c d\n")


def test_after_two_dashes_nothing_is_a_flag() -> None:
    assert parse_request(["train", "arena", "--", "a=--help"]).overrides == (Override("change", "a", "--help"),)


def test_nothing_is_an_empty_request() -> None:
    assert parse_request([]) == Request()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--dry"], r"Unknown option '--dry'\. Did you mean '--dry-run'"),
        (["train", "arena", "--run=x"], r"without dashes: run=x"),
        (["train", "arena", "-m", "a=1,2"], r"sweeps"),
        (["train", "arena", "foo"], r"To set it: foo=<value>"),
        (["train", "arena", "a", "=", "1"], r"'a' is no override"),
        (["train", "arena", "=1"], r"no blanks around"),
        (["train", "arena", "a.=1"], r"empty part"),
        (["train", "arena", "group@package=x"], r"are not used here"),
        (["a=1"], r"no tool"),
        (["--list", "train", "a=1"], r"--list takes no overrides"),
    ],
)
def test_mistakes(argv: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_request(argv)
