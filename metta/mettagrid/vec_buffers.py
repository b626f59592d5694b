"""The arrays that a batch writes its results into. They may belong to whoever reads them: PufferLib, a trainer."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from metta.common.env_spec import EnvSpec


@dataclass(slots=True)
class VecBuffers:
    """One array a kind of result, C-contiguous, written by native threads between ``send`` and ``recv``.

    Shapes (B rows = environments x agents, A actions): ``observations [B, *spec.obs_shape]``, ``rewards [B] float32``,
    ``terminated``, ``truncated``, ``first``, ``action_success [B] bool``, ``action_mask [B, A] bool``,
    ``used_tokens [B] uint16``; ``final_observations`` is like ``observations``, in same-step mode only;
    ``global_state [B // agents, *spec.state_shape] uint8`` where a game has one, and ``final_state``, like it, in
    same-step mode (absent: the batch makes its own). They are checked when they are bound.

    >>> from metta.mettagrid.config.game import MettaGridConfig
    >>> from metta.mettagrid.spec import env_spec
    >>> VecBuffers.allocate(env_spec(MettaGridConfig()), 48).observations.shape
    (48, 200, 3)
    """

    observations: NDArray[np.uint8]
    rewards: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    first: NDArray[np.bool_]
    action_mask: NDArray[np.bool_]
    action_success: NDArray[np.bool_]
    used_tokens: NDArray[np.uint16]
    final_observations: NDArray[np.uint8] | None = None
    global_state: NDArray[np.uint8] | None = None
    final_state: NDArray[np.uint8] | None = None

    @classmethod
    def allocate(cls, spec: EnvSpec, rows: int, same_step: bool = False) -> VecBuffers:
        """New arrays for ``rows`` agent rows of games like ``spec``."""
        observations = (rows, *spec.obs_shape)
        states = (rows // spec.num_agents, *spec.state_shape)
        return cls(
            observations=np.zeros(observations, dtype=np.uint8),
            rewards=np.zeros(rows, dtype=np.float32),
            terminated=np.zeros(rows, dtype=np.bool_),
            truncated=np.zeros(rows, dtype=np.bool_),
            first=np.zeros(rows, dtype=np.bool_),
            action_mask=np.zeros((rows, spec.num_actions), dtype=np.bool_),
            action_success=np.zeros(rows, dtype=np.bool_),
            used_tokens=np.zeros(rows, dtype=np.uint16),
            final_observations=np.zeros(observations, dtype=np.uint8) if same_step else None,
            global_state=np.zeros(states, dtype=np.uint8) if spec.state_shape else None,
            final_state=np.zeros(states, dtype=np.uint8) if spec.state_shape and same_step else None,
        )

    def copy_from(self, other: VecBuffers) -> None:
        """Take over the contents of ``other``, which has the same shapes."""
        for field in fields(self):
            array = getattr(self, field.name)
            if array is not None:
                np.copyto(array, getattr(other, field.name))


def any_set(flags: NDArray[np.bool_]) -> bool:
    """Whether one of the flags is true, for use in every step.

    ``flags.any()`` costs 8 % of an arena step that follows: numpy's reduction uses 512-bit instructions, after which
    a core's clock is lower for a while. A search in bytes does not.
    """
    return b"\x01" in flags.tobytes()
