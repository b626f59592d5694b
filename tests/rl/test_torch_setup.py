"""Torch's global settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from metta.common.errors import ConfigError
from metta.rl.torch_setup import available_threads, resolve_device, setup_torch


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
