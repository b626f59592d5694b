"""metta/rl/distributed.py: what ranks tell each other, and how they stop together."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest
import torch

from metta.common.errors import ConfigError
from metta.rl.context import StopRequested, check_stop
from metta.rl.distributed import Ranks, agreed_stop, open_world
from metta.rl.signals import StopFlag
from tests.rl.ranks import run_ranks


def test_outside_of_torchrun_the_world_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert open_world().size == 1
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert open_world().size == 1


def test_half_of_torchruns_variables_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(ConfigError, match=r"LOCAL_RANK is '', expected a number.*system.nproc=N"):
        open_world()


def test_ranks_exchange_values_and_numbers() -> None:
    def work(world: Ranks) -> Any:
        mine = {"rank": world.rank, "number": 0.1 + world.rank, "long": "x" * 5000 * world.rank}
        return (
            world.gather(mine, "a value"),
            world.broadcast(f"from {world.rank}", "a word"),
            world.any(world.rank == 1, "a flag"),
            world.mean(torch.tensor([1.0, float(world.rank)])).tolist(),
            world.seed(7),
        )

    first, second = run_ranks(work)
    assert first[:4] == second[:4]
    values, word, flag, mean, seed = first
    assert [value["number"] for value in values] == [0.1, 1.1]
    assert [len(value["long"]) for value in values] == [0, 5000]
    assert (word, flag, mean) == ("from 0", True, [1.0, 0.5])
    assert seed == 7 != second[4]  # the master has the run's own


def test_a_part_that_one_rank_leaves_early_is_left_by_all() -> None:
    def work(world: Ranks) -> Any:
        told: list[str] = []
        stop = StopFlag()
        agreed = agreed_stop(world, stop)
        for what in ("fine", "error", "stop"):
            try:
                with world.together(what):
                    if world.rank == 1 and what == "error":
                        raise ConfigError("a bad key")
                    if world.rank == 1 and what == "stop":
                        stop.set(signal.SIGTERM)
                        check_stop(stop)
                told.append("went on")
            except Exception as error:  # noqa: BLE001 - all are looked at
                told.append(f"{type(error).__name__}: {error} {world.has_agreed_on(error)}")
        return told, stop.signum, bool(agreed)

    first, second = run_ranks(work)
    assert first[0][:2] == ["went on", "PeerFailedError: rank 1 stopped: ConfigError: a bad key True"]
    assert second[0][:2] == ["went on", "ConfigError: a bad key True"]
    for told, signum, agreed in (first, second):
        assert told[2].startswith(StopRequested.__name__)
        assert (signum, agreed) == (signal.SIGTERM, True)


def test_a_signal_that_comes_while_the_ranks_ask_is_heeded_by_all_at_the_next_question() -> None:
    """Else the rank that got it saves while the others play on."""

    def work(world: Ranks) -> Any:
        stop = StopFlag()
        agreed = agreed_stop(world, stop)
        gather = world.gather

        def interrupted(value: Any, what: str) -> list[Any]:
            told = gather(value, what)
            if world.rank == 0:
                stop.set(signal.SIGTERM)
            return told

        world.gather = interrupted
        return [bool(agreed), bool(agreed)]

    assert run_ranks(work) == [[False, True], [False, True]]


def test_ranks_at_different_points_are_told() -> None:
    first, second = run_ranks(lambda world: world.gather(None, f"point {world.rank}"))
    assert first == second
    assert "RanksDifferError: the ranks are at different points of the program: rank 0 at 'point 0', rank 1" in first


def test_different_weights_are_found_and_named() -> None:
    def work(world: Ranks) -> None:
        tensors = {"a": torch.ones(3), "b": torch.ones(2, 2), "c": torch.full((), 3.0)}
        world.check_equal(tensors, "weights")
        if world.rank == 1:
            tensors["b"][1, 1] += 1e-7
            tensors["c"] += 1
        world.check_equal(tensors, "weights")

    first, second = run_ranks(work)
    assert first == second
    assert first.startswith(
        "RanksDifferError: the ranks hold different weights; the first that differs is b (ranks [0]:"
    )


def test_a_rank_that_dies_is_noticed_within_seconds() -> None:
    def work(world: Ranks) -> Any:
        if world.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        began = time.monotonic()
        try:
            world.barrier("the end")
        except RuntimeError as error:
            return f"{type(error).__name__}: {error}", time.monotonic() - began
        return "noticed nothing", 0.0

    (told, seconds), second = run_ranks(work)
    assert second is None
    assert told.startswith("RankLostError: rank 0 of 2 lost contact with the other ranks (the end): ")
    assert seconds < 5
