"""Torch's global settings."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
import torch

from metta.common.errors import ConfigError
from metta.rl.torch_setup import available_threads, resolve_device, settled, setup_torch


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)


def test_threads_and_seed_are_set() -> None:
    setup_torch(seed=1, threads=1, device="cpu")
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()
    first = torch.rand(3)
    setup_torch(seed=1, threads=1, device="cpu")
    assert torch.equal(first, torch.rand(3))
    setup_torch(seed=2, threads=1, device="cpu")
    assert not torch.equal(first, torch.rand(3))


def test_no_threads_means_all_cores() -> None:
    setup_torch(seed=1, threads=0, device="cpu")
    assert torch.get_num_threads() == available_threads()


def test_devices_are_checked() -> None:
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ConfigError, match=r"system\.device='tpu9' is no device"):
        resolve_device("tpu9")
    with pytest.raises(ConfigError, match=r"torch sees \d+ CUDA devices"):
        resolve_device("cuda:63")


class _Cycle:
    def __init__(self) -> None:
        self.me = self


def test_garbage_of_a_training_does_not_wait_for_all_there_ever_was() -> None:
    """A full collection waits until a quarter of what the last one looked through is new: with modules frozen, soon."""
    before = [[index] for index in range(300_000)]
    gc.collect()
    with settled():
        garbage = weakref.ref(cycle := _Cycle())
        gc.collect(1)
        del cycle
        after = [[index] for index in range(100_000)]
        assert garbage() is None
    assert len(before) > len(after)
