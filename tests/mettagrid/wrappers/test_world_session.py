"""One world with its manners (the Gymnasium and PettingZoo tests see the rest at work)."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from metta.common.errors import ConfigError, EnvError
from metta.mettagrid.builder.envs import make_empty
from metta.mettagrid.wrappers.world_session import RenderMode, WorldSession, stats_of


def session(render_mode: RenderMode | None = None, max_steps: int = 2) -> WorldSession:
    cfg = make_empty(2).replace({"game.max_steps": max_steps})
    return WorldSession(cfg, title="room", action_space="flat", render_mode=render_mode)


NOOPS = np.zeros(2, dtype=np.int32)


def test_order_of_calls() -> None:
    room = session()
    with pytest.raises(EnvError, match=r"room: step\(\) came before reset\(\)"):
        room.step(NOOPS)
    for _ in range(2):
        room.reset(3)
        room.step(NOOPS)
        assert room.step(NOOPS).truncated.all()
        record = room.end()
        assert record is not None
        assert stats_of(record, 1)["length"] == 2
        with pytest.raises(EnvError, match="after the episode's end"):
            room.check_running()
    room.close()
    with pytest.raises(EnvError, match="room: the environment was closed"):
        room.global_state()


def test_a_cut_episode_leaves_no_record() -> None:
    room = session(max_steps=9)
    room.reset(1)
    room.step(NOOPS)
    room.reset(2)
    assert room.end() is None


def test_pictures_by_mode(capsys: pytest.CaptureFixture[str]) -> None:
    text = session("ansi")
    text.reset(0)
    drawn = text.render()
    assert isinstance(drawn, str)
    human = session("human")
    human.reset(0)
    assert human.render() is None
    assert capsys.readouterr().out == f"room  step 0\n{drawn}\n"
    with pytest.warns(UserWarning, match="without a render_mode"):
        session().render()
    with pytest.raises(ConfigError, match="render_mode='gui', expected None or one of"):
        session("gui")  # pyright: ignore[reportArgumentType] - the mistake


def test_sent_sessions_keep_their_state() -> None:
    room = session(max_steps=50)
    new = pickle.loads(pickle.dumps(room))  # noqa: S301 - our own bytes
    with pytest.raises(EnvError, match="came before reset"):
        new.step(NOOPS)
    room.reset(5)
    room.step(NOOPS)
    running = pickle.loads(pickle.dumps(room))  # noqa: S301 - our own bytes
    assert running.env.state_hash() == room.env.state_hash()
    np.testing.assert_array_equal(running.env.batch.observations, room.env.batch.observations)
    room.close()
    closed = pickle.loads(pickle.dumps(room))  # noqa: S301 - our own bytes
    with pytest.raises(EnvError, match="was closed"):
        closed.reset(0)
