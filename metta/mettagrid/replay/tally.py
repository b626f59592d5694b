"""What the agents of an episode have earned and done so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class Tally:
    """Returns so far, and the last step.

    Shapes: ``total``, ``last`` ``[agents] float64``; ``actions [agents] int32`` (-1: none yet); ``succeeded [agents]``.
    """

    total: NDArray[np.float64]
    last: NDArray[np.float64]
    actions: NDArray[np.int32]
    succeeded: NDArray[np.bool_]

    @classmethod
    def start(cls, num_agents: int) -> Tally:
        return cls(
            np.zeros(num_agents),
            np.zeros(num_agents),
            np.full(num_agents, -1, dtype=np.int32),
            np.zeros(num_agents, dtype=np.bool_),
        )

    def add(self, actions: NDArray[np.int32], rewards: NDArray[np.float32], succeeded: NDArray[np.bool_]) -> None:
        """Count one step."""
        self.last = rewards.astype(np.float64)
        self.total = self.total + self.last
        self.actions, self.succeeded = actions.copy(), succeeded.astype(np.bool_, copy=True)

    def copy(self) -> Tally:
        return Tally(self.total.copy(), self.last.copy(), self.actions.copy(), self.succeeded.copy())
