"""Buffers that nobody holds any more are written again; those that somebody kept are left alone."""

from __future__ import annotations

import sys

from metta.common.env_spec import EnvSpec
from metta.mettagrid.vec_buffers import VecBuffers

_MOST = 8
"""Sets that the pool remembers. Sets that were handed out and forgotten live as long as their holders want."""


class BufferPool:
    """Hands out sets of result arrays that nobody else refers to.

    The engine writes straight into what a user receives, without a copy, and yet no array changes under the user's
    hands: a set is written again only when its arrays have no reference besides the pool's own. (Views, and tensors
    made from an array without a copy, refer to it.) A user who keeps every array pays for them with memory, one who
    drops them makes the pool go round two or three sets.
    """

    def __init__(self, spec: EnvSpec, rows: int, same_step: bool = False) -> None:
        self._spec, self._rows, self._same_step = spec, rows, same_step
        self._sets = [VecBuffers.allocate(spec, rows, same_step)]
        self._idle = _references(self._sets[0])  # counts that only this pool causes, whatever the interpreter adds
        self._last = -1

    def take(self) -> VecBuffers:
        """A set that is held by nobody, apart from the batch that it was bound to last."""
        for offset in range(1, len(self._sets) + 1):
            index = (self._last + offset) % len(self._sets)
            if index != self._last and _references(self._sets[index]) == self._idle:
                self._last = index
                return self._sets[index]
        fresh = VecBuffers.allocate(self._spec, self._rows, self._same_step)
        if len(self._sets) < _MOST:
            self._sets.append(fresh)
            self._last = len(self._sets) - 1
        else:
            self._last = (self._last + 1) % _MOST
            self._sets[self._last] = fresh
        return fresh

    def __len__(self) -> int:
        """Sets that the pool remembers."""
        return len(self._sets)


def _references(buffers: VecBuffers) -> tuple[int, ...]:
    """Reference counts of the arrays that users get to see."""
    return (
        sys.getrefcount(buffers.observations),
        sys.getrefcount(buffers.rewards),
        sys.getrefcount(buffers.terminated),
        sys.getrefcount(buffers.truncated),
        sys.getrefcount(buffers.first),
        sys.getrefcount(buffers.action_mask),
        sys.getrefcount(buffers.action_success),
        0 if buffers.final_observations is None else sys.getrefcount(buffers.final_observations),
    )
