"""Every script of ``benchmarks/`` still runs: tiny sizes, one JSON line (or several), nothing downloaded."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
TINY_BATCH = ("batch_size=192", "minibatch_size=192", "bptt_horizon=4")
TINY: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "env_step": (
        ("--agents", "2", "--envs", "2", "--repeats", "2", "--agent-steps", "40"),
        ("agent_steps_per_second", "per_cpu_second", "commit"),
    ),
    "env_step --phases": (("--agents", "2", "--envs", "2", "--agent-steps", "40", "--phases"), ("ns_per_agent_step",)),
    "env_step --obs box": (
        ("--agents", "2", "--envs", "2", "--repeats", "2", "--agent-steps", "40", "--obs", "box"),
        ("agent_steps_per_second",),
    ),
    "env_step --obs state": (
        ("--agents", "2", "--envs", "2", "--repeats", "2", "--agent-steps", "40", "--obs", "state"),
        ("agent_steps_per_second",),
    ),
    "forward": (
        ("--rows", "6", "--minibatch", "8", "--horizon", "4", "--repeats", "1", "--threads", "1"),
        ("policy", "rows"),
    ),
    "maps": (("--seconds", "0.005", "--rounds", "2"), ("maps_per_s",)),
    "snapshot": (("--agents", "2", "--envs", "2"), ("state_hash_us", "world_bytes")),
    "train": (
        ("--seconds", "0", "--threads", "1", "--num-envs", "2", "--set", *TINY_BATCH),
        ("benchmark", "sps"),
    ),
    "train_parts": (
        ("--seconds", "0", "--threads", "1", "--num-envs", "2", "--set", *TINY_BATCH),
        ("sps", "parts"),
    ),
    "wrappers": (("--agents", "2", "--envs", "2", "--rounds", "1"), ("ratio",)),
}
"""Script and flags -> keys that its lines must have."""
LIBRARIES = {"games", "handwritten_bag", "measurement"}
COMPARES = {"compare_env", "compare_train", "first_step", "scaling"}
"""Runs other programs, which have to be built first: tested with programs that only tell a figure."""


def test_no_script_is_left_out() -> None:
    scripts = {path.stem for path in BENCHMARKS.glob("*.py")}
    assert scripts == {name.split()[0] for name in TINY} | LIBRARIES | COMPARES


@pytest.fixture(autouse=True)
def same_torch_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def load(script: str, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr(sys, "argv", [f"{script}.py", *arguments])
    return runpy.run_path(str(BENCHMARKS / f"{script}.py"))


@pytest.mark.parametrize("name", TINY)
def test_script_prints_json(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, keys = TINY[name]
    script = load(name.split()[0], arguments, monkeypatch)
    for constant, value in {"SAMPLES": 5, "SECONDS_A_TURN": 0.001, "WARM_UP_STEPS": 2}.items():
        if constant in script:
            monkeypatch.setitem(script["main"].__globals__, constant, value)
    script["main"]()
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines
    for line in lines:
        result = json.loads(line)
        assert not set(keys) - result.keys(), result


def test_comparison_prints_ratios(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    script = load("compare_env", ("--no-wheel", "--rounds", "2"), monkeypatch)["main"].__globals__
    speeds = {"tokgrid": 2.0, "env_step.py": 6.0}

    def tell(command: list[str]) -> dict[str, Any]:
        (speed,) = (value for name, value in speeds.items() if any(word.endswith(name) for word in command))
        return {"agent_steps_per_second": speed, "tokens_per_observation": 4.5}

    monkeypatch.setitem(script, "_compile_tokgrid", lambda folder: f"{folder}/tokgrid")
    monkeypatch.setitem(script, "_run", tell)
    script["main"]()
    result = json.loads(capsys.readouterr().out)
    assert result["n"] == 2
    assert result["ratio_to_tokgrid"]["median"] == 3.0


def test_trainers_are_compared_within_rounds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    script = load("compare_train", ("--rounds", "2"), monkeypatch)["main"].__globals__
    speeds = {"fast": [9.0, 12.0], "bag_lstm": [40.0, 40.0], "cleanrl": [3.0, 2.0], "pufferl": [2.0, 4.0]}
    turns = {**speeds, "sb3": [1.0, 1.0], "torchrl": [1.0, 1.0]}

    def tell(command: list[str]) -> dict[str, Any]:
        is_ours = "--policy" in command
        name = command[command.index("--policy") + 1] if is_ours else Path(command[1]).stem.removeprefix("trainer_")
        assert Path(command[1]).exists()
        speed = turns[name].pop(0)
        told = {"epochs": {"median": speed}} if is_ours else {"agent_steps_per_second": speed}
        return {**told, "parameters": 7, "peak_rss_mb": 9}

    monkeypatch.setitem(script, "ensure_venv", lambda packages: tmp_path / "python")
    monkeypatch.setitem(script, "_run", tell)
    script["main"]()
    result = json.loads(capsys.readouterr().out)
    assert result["fast_to_best_peer"] == {"median": 3.0, "min": 3.0, "max": 3.0}
    assert result["bag_lstm_to_best_peer"] == {"median": 11.67, "min": 10.0, "max": 13.33}


def test_the_peers_environment_is_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    setup = runpy.run_path(str(BENCHMARKS / "peers" / "setup_venv.py"))
    ensure, names = setup["ensure_venv"], setup["ensure_venv"].__globals__
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.touch()
    calls: list[str] = []
    monkeypatch.setitem(names, "PYTHON", python)
    monkeypatch.setitem(names, "MARKER", tmp_path / "installed.txt")
    monkeypatch.setattr(names["subprocess"], "run", lambda command, **_: calls.append(command[-1]))
    assert ensure() == python
    assert calls == [*setup["PACKAGES"]]
    ensure(setup["TRAINERS"])
    assert len(calls) == len(setup["TRAINERS"])
    ensure()
    ensure(setup["TRAINERS"])
    assert len(calls) == len(setup["TRAINERS"])


def test_first_step_takes_the_imports_off(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    script = load("first_step", ("--rounds", "2"), monkeypatch)["main"].__globals__
    times = {"imports": [9.0, 2.0, 3.0], "train": [9.0, 3.0, 4.5]}  # the first round is left out
    monkeypatch.setitem(script, "time_imports", lambda: times["imports"].pop(0))
    monkeypatch.setitem(script, "time_train", lambda *_: times["train"].pop(0))
    script["main"]()
    result = json.loads(capsys.readouterr().out)
    assert result["beyond_imports_s"] == {"median": 1.25, "min": 1.0, "max": 1.5}
