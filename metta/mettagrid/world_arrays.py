"""Worlds of one batch as arrays: equal games give equal sizes, different ones are filled up to the largest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from metta.common.errors import EnvError

WORLDS = "worlds"
SIZES = "world_sizes"


def pack_worlds(worlds: Sequence[bytes]) -> dict[str, NDArray[np.generic]]:
    """Shapes: ``worlds [num_envs, bytes] uint8``; ``world_sizes [num_envs] int64`` only where sizes differ.

    >>> pack_worlds([b"ab", b"c"])["worlds"].tolist()
    [[97, 98], [99, 0]]
    """
    sizes = np.array([len(world) for world in worlds], dtype=np.int64)
    rows = np.zeros((len(worlds), int(sizes.max())), dtype=np.uint8)
    for row, world in zip(rows, worlds, strict=True):
        row[: len(world)] = np.frombuffer(world, dtype=np.uint8)
    return {WORLDS: rows} if (sizes == sizes[0]).all() else {WORLDS: rows, SIZES: sizes}


def unpack_worlds(state: Mapping[str, NDArray[np.generic]], num_envs: int) -> list[NDArray[np.uint8]]:
    """The worlds of ``pack_worlds``.

    Raises:
        EnvError: another number of environments, or sizes beyond the bytes that are there.
    """
    worlds = np.ascontiguousarray(state[WORLDS])
    if worlds.dtype != np.uint8 or worlds.ndim != 2 or worlds.shape[0] != num_envs:
        raise EnvError(
            f"the snapshot holds worlds {worlds.dtype}{list(worlds.shape)}, expected uint8[{num_envs}, bytes]. Restore "
            "it with the num_envs that it was taken with."
        )
    sizes = np.asarray(state.get(SIZES, np.full(num_envs, worlds.shape[1])))
    if sizes.shape != (num_envs,) or sizes.min(initial=0) < 0 or sizes.max(initial=0) > worlds.shape[1]:
        raise EnvError(f"the snapshot's {SIZES} {sizes.tolist()} do not fit its worlds {list(worlds.shape)}.")
    return [row[: int(size)].view(np.uint8) for row, size in zip(worlds, sizes, strict=True)]
