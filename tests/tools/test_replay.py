"""The replay tool through the command line: record, prove, show; and the viewer in a real terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import pexpect
import pytest

from metta.cli.main import main
from metta.common.errors import ConfigError
from metta.envs.gym_env_config import GymEnvConfig
from metta.mettagrid.replay.reader import read_replay
from metta.sim.simulation_config import SimulationConfig
from metta.tools.replay import ReplayTool


def test_it_records_under_the_data_directory_and_prints_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["num_agents=4", "max_steps=60", "frame_every=30", f"system.data_dir={tmp_path}"]
    assert main(["replay", "arena", *arguments]) == 0
    text = capsys.readouterr().out
    assert text.count("reward per agent") == 3
    path = tmp_path / "replays" / "arena-combat-random-seed0.replay"
    assert str(path) in text
    assert "every recorded hash agrees" in text
    assert read_replay(path).header.num_steps == 60


def test_a_recording_is_shown_without_recording_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.replay"
    assert main(["replay", "arena", "num_agents=2", "max_steps=5", "show=false", f"replay_path={path}"]) == 0
    before = path.read_bytes()
    assert "reward per agent" not in capsys.readouterr().out
    assert main(["replay", "arena", f"replay={path}", f"system.data_dir={tmp_path}"]) == 0
    assert "2 agents" in capsys.readouterr().out
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.replay"]


def test_a_damaged_file_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.replay"
    path.write_bytes(b"nonsense" * 20)
    assert main(["replay", "arena", f"replay={path}"]) == 1
    shown = capsys.readouterr().err
    assert "another kind of file" in shown
    assert "Traceback" not in shown


def test_gymnasium_games_are_refused() -> None:
    simulation = SimulationConfig(suite="gym", name="x", env=GymEnvConfig())
    with pytest.raises(ConfigError, match="MettaGrid games"):
        ReplayTool(simulation=simulation)


def test_the_viewer_in_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "mine.replay"
    assert main(["replay", "arena", "num_agents=2", "max_steps=40", "show=false", f"replay_path={path}"]) == 0
    code = "import sys; from metta.cli.main import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["-c", code, "replay", "arena", f"replay={path}", "steps_per_second=1"]
    child = pexpect.spawn(sys.executable, arguments, timeout=30, encoding="utf-8", dimensions=(24, 80))
    child.expect("playing")
    child.send("\x1b[F")  # end
    child.expect("40/1000")
    child.send("\x1b[D")  # left
    child.expect("39/1000")
    child.send("q")
    child.expect("every recorded hash agrees")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
