"""The processes of one training, as the trainer sees them. A training of one process is a world of its own.

Every rank walks the same way through an epoch. Where it may leave that way alone (a signal, an exception, a rank that
is slow) the ranks meet: what one met, all learn, and all go on or stop at the same point.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metta.common.errors import ExitCode, MettaError
from metta.common.seeding import derive_seed

if TYPE_CHECKING:
    from torch import Tensor


class RankLostError(MettaError, RuntimeError):
    """Another rank is gone, or gave no sign of life: nothing can be agreed with it any more. A new start goes on from
    the newest saved state; a launcher makes one by itself.
    """

    exit_code: int = ExitCode.RETRY


class RanksDifferError(MettaError, RuntimeError):
    """The ranks no longer hold the same weights, or are at different points of the program."""


class PeerFailedError(MettaError, RuntimeError):
    """Another rank met an error and told it; this rank stops with the same exit code."""

    def __init__(self, rank: int, exit_code: int, message: str) -> None:
        super().__init__(f"rank {rank} stopped: {message}")
        self.exit_code = exit_code


class World:
    """One process alone: all that ranks have to agree about is settled at once, and costs nothing.

    >>> world = World()
    >>> world.size, world.is_master, world.gather("hello", "a greeting")
    (1, True, ['hello'])
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1

    @property
    def is_master(self) -> bool:
        """Rank 0: the one that writes logs and checkpoints and talks to people."""
        return self.rank == 0

    def seed(self, seed: int) -> int:
        """The seed of what differs from rank to rank: environments, actions, minibatches. Rank 0 has the run's own."""
        return derive_seed(seed, "rank", self.rank) if self.rank else seed

    def gather(self, value: Any, what: str) -> list[Any]:
        """The plain JSON values of all ranks, by rank. Every rank calls it at the same point, for the same ``what``.

        Raises:
            RankLostError: a rank is gone.
            RanksDifferError: the ranks are at different points.
        """
        return [value]

    def broadcast(self, value: Any, what: str) -> Any:
        """The master's ``value``, on every rank; the others' is not looked at."""
        return self.gather(value if self.is_master else None, what)[0]

    def any(self, flag: bool, what: str) -> bool:
        """Whether ``flag`` is set on at least one rank."""
        return any(self.gather(flag, what)) if self.size > 1 else flag

    def barrier(self, what: str) -> None:
        """Wait until every rank is here."""
        self.gather(None, what)

    def sum(self, tensor: Tensor) -> Tensor:
        """Sum over the ranks, elementwise; shapes are equal on all ranks."""
        return tensor

    def mean(self, tensor: Tensor) -> Tensor:
        """Mean over the ranks, elementwise."""
        return self.sum(tensor) / self.size if self.size > 1 else tensor

    @contextlib.contextmanager
    def contact(self, what: str) -> Iterator[None]:
        """A part in which torch talks to the other ranks: its errors about them become :class:`RankLostError`."""
        yield

    @contextlib.contextmanager
    def together(self, what: str) -> Iterator[None]:
        """A part in which each rank works for itself; all leave it in the same way.

        An exception is raised again where it came from; elsewhere it becomes :class:`PeerFailedError`, or
        ``StopRequested`` where that is what it was. No rank may call another method of its world inside.
        """
        yield

    def has_agreed_on(self, error: BaseException) -> bool:
        """Whether every rank knows of ``error`` and stops at this very point: only then can they save together."""
        return True

    def check_equal(self, tensors: Mapping[str, Tensor], what: str) -> None:
        """All ranks hold the same bytes.

        Raises:
            RanksDifferError: names the first tensor that differs, and the ranks.
        """

    def close(self) -> None:
        """Say goodbye; afterwards the other ranks may go."""


SOLO = World()
"""The world of a training in one process."""


def mean_of(rows: Sequence[Mapping[str, float]], weights: Sequence[float] | None = None) -> dict[str, float]:
    """Weighted mean of each number over the rows that have it, keys in the order of their first row.

    >>> mean_of([{"a": 1.0, "b": 2.0}, {"a": 3.0}], weights=[1, 3])
    {'a': 2.5, 'b': 2.0}
    """
    shares = [1.0] * len(rows) if weights is None else list(weights)
    means: dict[str, float] = {}
    for key in dict.fromkeys(key for row in rows for key in row):
        having = [(row[key], share) for row, share in zip(rows, shares, strict=True) if key in row]
        total = sum(share for _, share in having)
        if total > 0:
            means[key] = sum(value * share for value, share in having if share) / total
        else:  # nobody's counts: the plain mean, so that a NaN still shows
            means[key] = sum(value for value, _ in having) / len(having)
    return means
