"""What somebody holds is never written again."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch

from metta.mettagrid.builder.envs import make_empty
from metta.mettagrid.spec import env_spec
from metta.mettagrid.wrappers.buffer_pool import BufferPool


def pool() -> BufferPool:
    return BufferPool(env_spec(make_empty()), rows=2)


def addresses(buffers: BufferPool, count: int) -> list[int]:
    return [buffers.take().observations.ctypes.data for _ in range(count)]


def test_sets_that_nobody_holds_go_round() -> None:
    buffers = pool()
    seen = addresses(buffers, 50)
    assert len(set(seen)) == 2
    assert all(one != next_ for one, next_ in pairwise(seen)), "the set in use was handed out"


def test_a_kept_array_is_left_alone_and_used_again_when_dropped() -> None:
    for keep in (
        lambda taken: taken.observations,
        lambda taken: taken.rewards[1:],
        lambda taken: memoryview(taken.terminated),
        lambda taken: torch.from_numpy(taken.action_mask),
        lambda taken: taken.observations[0, :, 1][::2].T,
    ):
        buffers = pool()
        taken = buffers.take()
        address = taken.observations.ctypes.data
        kept: Any = keep(taken)
        del taken
        assert address not in addresses(buffers, 30)
        del kept
        assert address in addresses(buffers, 3)


def test_a_hoarder_gets_new_arrays_and_the_pool_stays_small() -> None:
    buffers = pool()
    hoard = [buffers.take().observations for _ in range(40)]
    assert len({array.ctypes.data for array in hoard}) == 40
    assert len(buffers) == 8
