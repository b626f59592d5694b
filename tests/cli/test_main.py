"""Whole commands in this process: what they print, where, and their exit codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from metta.cli.main import main
from metta.common.errors import ExitCode


def test_a_tool_runs(sample: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample.run("sample", "alpha", "learner.steps=4") == ExitCode.OK
    assert capsys.readouterr().out == "ran with 4 steps\n"


def test_dry_run_prints_the_config_and_runs_nothing(sample: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample.run("sample", "alpha", "note=crash", "--dry-run") == ExitCode.OK
    out = capsys.readouterr().out
    assert out.startswith("# sample alpha note=crash\n")
    assert "ran with" not in out
    assert "\x1b" not in out


def test_mistakes_exit_with_2_and_say_where_to_look(fails: Callable[..., str]) -> None:
    said = fails("sample", "alpha", "learner.step=1", "learner.gama=1")
    assert said.splitlines() == [
        "Error: learner has no key 'step'. Did you mean 'learner.steps'?",
        "       learner has no key 'gama'. Did you mean 'learner.gamma'?",
        "       Keys: metta sample alpha --help",
    ]
    assert "Did you mean 'alpha'" in fails("sample", "alhpa")
    assert "Did you mean '--dry-run'" in fails("sample", "alpha", "--dryrun")


def test_the_name_that_the_user_typed_is_repeated(fails: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METTA_PROGRAM", "./tools/run.py")
    assert "Keys: ./tools/run.py sample alpha --help" in fails("sample", "alpha", "x=1")


def test_verbose_shows_the_traceback_of_a_mistake(sample: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample.run("sample", "alpha", "x=1", "--verbose") == ExitCode.USAGE
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("broken", ["Recipe sample_recipes.experiment.broken failed", "import no_such_module", "ModuleNotFoundError"]),
        ("raises", ["Recipe sample_recipes.experiment.raises failed", "return SampleTool(", "learner.steps: Input"]),
        ("crooked", ["sample_recipes.experiment.crooked", "def sample( -> SampleTool:", "SyntaxError"]),
    ],
)
def test_a_broken_recipe_is_shown_whole(
    sample: Any, capsys: pytest.CaptureFixture[str], recipe: str, said: list[str]
) -> None:
    assert sample.run("sample", recipe) == ExitCode.FAILED
    err = capsys.readouterr().err
    assert [part for part in said if part not in err] == []
    assert "metta/cli" not in err, "frames of the command line say nothing about the recipe"


def test_a_crash_shows_its_traceback(sample: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample.run("sample", "alpha", "note=crash") == ExitCode.FAILED
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("Error: ValueError: crashed on purpose\n")


def test_ctrl_c_before_a_tool_handles_it(sample: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample.run("sample", "alpha", "note=interrupt") == ExitCode.SIGINT
    assert capsys.readouterr().err == "Interrupted.\n"


def test_no_words_is_help_and_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.OK
    assert "Usage" in capsys.readouterr().out
    assert main(["--version"]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("metta 0.")
