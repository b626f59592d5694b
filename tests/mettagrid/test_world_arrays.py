"""Worlds of equal and of different sizes survive their arrays."""

from __future__ import annotations

import numpy as np
import pytest

from metta.common.errors import EnvError
from metta.mettagrid.world_arrays import pack_worlds, unpack_worlds


@pytest.mark.parametrize("worlds", [[b"abc", b"def"], [b"abcd", b"e", b"fg"], [b"x"]])
def test_round_trip(worlds: list[bytes]) -> None:
    state = pack_worlds(worlds)
    assert ("world_sizes" in state) == (len({len(world) for world in worlds}) > 1)
    assert [row.tobytes() for row in unpack_worlds(state, len(worlds))] == worlds


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"worlds": np.zeros((3, 4), dtype=np.uint8)}, "with the num_envs that it was taken with"),
        ({"worlds": np.zeros((2, 4), dtype=np.int8)}, r"worlds int8\[2, 4\]"),
        ({"world_sizes": np.array([4])}, "do not fit its worlds"),
        ({"world_sizes": np.array([-1, 2])}, "do not fit its worlds"),
        ({"world_sizes": np.array([5, 2])}, "do not fit its worlds"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(EnvError, match=message):
        unpack_worlds({**pack_worlds([b"abcd", b"ef"]), **change}, 2)
