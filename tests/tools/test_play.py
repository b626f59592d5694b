"""The play tool in a real terminal: a person steers, leaves, is interrupted."""

from __future__ import annotations

import signal
import sys
import termios
from pathlib import Path

import pexpect
import pyte
import pytest

from metta.cli.main import main
from metta.mettagrid.replay.reader import ReplayPlayer, read_replay

CODE = "import sys; from metta.cli.main import main; sys.exit(main(sys.argv[1:]))"


class Terminal:
    """A child process in a terminal of 80 x 24, and what it shows."""

    def __init__(self, *arguments: str) -> None:
        self.screen = pyte.Screen(80, 24)
        self._stream = pyte.Stream(self.screen)
        self.child = pexpect.spawn(
            sys.executable, ["-c", CODE, *arguments], timeout=30, encoding="utf-8", dimensions=(24, 80)
        )
        self.before = termios.tcgetattr(self.child.child_fd)

    def expect(self, pattern: str) -> None:
        self.child.expect(pattern)
        self._stream.feed(f"{self.child.before}{self.child.after}")

    def shown(self) -> str:
        return "\n".join(self.screen.display)

    def finish(self) -> tuple[int | None, str]:
        self.child.expect(pexpect.EOF)
        text = str(self.child.before)
        assert termios.tcgetattr(self.child.child_fd) == self.before
        self.child.close()
        return self.child.exitstatus, text


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    return ["play", "arena", "num_agents=3", f"system.data_dir={tmp_path}", "system.device=cpu"]


def test_a_person_plays_and_the_game_is_kept(arguments: list[str], tmp_path: Path) -> None:
    path = tmp_path / "game.replay"
    terminal = Terminal(*arguments, f"replay_path={path}")
    terminal.expect("step 0/1000")
    terminal.expect("q quit")
    assert "agent 0 (0)" in terminal.shown()
    assert "paused: each action key is one step" in terminal.shown()
    terminal.child.send("\x1b[B")
    terminal.expect("step 1/1000")
    terminal.expect("move_south")
    terminal.child.send("\t")
    terminal.expect(r"agent 1 \(1\)")
    terminal.child.send("\x1bOC")  # right, in application mode
    terminal.expect("step 2/1000")
    terminal.expect("move_east")
    terminal.child.send("q")
    code, text = terminal.finish()
    assert code == 0
    assert "2 steps in episode 1" in text
    replay = read_replay(path)
    names = replay.header.action_names
    assert replay.actions.tolist() == [[names.index("move_south"), 0, 0], [0, names.index("move_east"), 0]]
    player = ReplayPlayer(replay)
    player.verify()
    player.close()


def test_the_world_runs_by_itself_after_space(arguments: list[str]) -> None:
    terminal = Terminal(*arguments, "policy_uri=mock://random", "steps_per_second=50")
    terminal.expect("step 0/1000")
    terminal.child.send(" ")
    terminal.expect("running")
    terminal.expect("step 5/1000")
    terminal.child.send("q")
    assert terminal.finish()[0] == 0


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_signals_leave_the_terminal_as_it_was(arguments: list[str], signum: signal.Signals) -> None:
    terminal = Terminal(*arguments)
    terminal.expect("q quit")
    terminal.child.kill(signum)
    code, text = terminal.finish()
    assert code == 128 + signum
    assert "\x1b[?1049l" in text  # the alternate screen was left
    assert "\x1b[?25h" in text  # the cursor is back
    assert "Traceback" not in text


def test_without_a_terminal_it_says_so(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "no terminal" in capsys.readouterr().err
