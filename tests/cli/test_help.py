"""Help texts of the sample package: every key is there, aligned, with its value and doc."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from metta.cli.help import maker_schema, tool_help
from metta.cli.style import Style
from metta.common.yaml_file import flatten
from metta.tools.resolved import resolved_tree

Help = Callable[..., str]


@pytest.fixture
def help_of(sample: Any, capsys: pytest.CaptureFixture[str]) -> Help:
    def text(*argv: str) -> str:
        assert sample.run(*argv) == 0
        return capsys.readouterr().out

    return text


def test_every_overridable_key_is_there(help_of: Help, sample: Any) -> None:
    """The keys of the resolved config, and no other; lists of plain values are one key."""
    schema = maker_schema(sample.registry, sample.groups, sample.registry.find_maker(("sample", "alpha")))
    leaves = {row["path"] for row in schema["rows"] if not row["section"]}
    assert leaves | {"rewards"} == {
        path for path in flatten(resolved_tree(sample.build("sample", "alpha"))) if not path.startswith("rewards.")
    } | {"rewards"}


def test_a_line_has_key_type_value_and_doc(help_of: Help) -> None:
    lines = help_of("sample", "alpha", "--help").splitlines()
    steps = next(line for line in lines if "learner.steps" in line)
    assert steps.split() == ["learner.steps", "int", "≥", "1", "50", "how", "long"]
    assert next(line for line in lines if line.startswith("  count")).split() == ["count", "int", "2"]
    assert "  Does next to nothing. Another sentence." in lines


def test_choices_of_groups_are_named(help_of: Help) -> None:
    assert "(choices: quick, site)" in help_of("sample", "alpha", "--help", "learner")


def test_a_prefix_narrows_and_repeats_come_back(help_of: Help) -> None:
    whole, part = help_of("sample", "alpha", "--help"), help_of("sample", "alpha", "--help", "levels.1")
    assert "levels.1.size" not in whole
    assert "Keys that repeat" in whole
    assert "levels.1.size" in part
    assert "learner" not in part


def test_an_unknown_prefix_names_the_nearest(fails: Callable[..., str]) -> None:
    assert "Did you mean 'learner'" in fails("sample", "alpha", "--help", "leraner")


def test_required_arguments_are_marked(help_of: Help) -> None:
    assert "word  text  required" in help_of("sample", "needy", "--help")


def test_a_recipe_alone_lists_its_tools(help_of: Help) -> None:
    assert help_of("alpha", "--help") == help_of("alpha", "--list")


def test_on_a_terminal_keys_stand_under_their_section_and_fit(sample: Any) -> None:
    schema = maker_schema(sample.registry, sample.groups, sample.registry.find_maker(("sample", "alpha")))
    text = tool_help(schema, sample.groups, "sample alpha", "", Style(colored=False, width=80, is_terminal=True))
    lines = text.splitlines()
    heading = next(index for index, line in enumerate(lines) if line.startswith("  learner  How it learns"))
    assert [line.split()[0] for line in lines[heading + 1 : heading + 3]] == [".steps", "how"]
    assert max(map(len, lines)) <= 80
