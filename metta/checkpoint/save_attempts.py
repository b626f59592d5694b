"""A disk that is full for a moment must not cost a week of training: failed saves are retried, but not for ever."""

from __future__ import annotations

from collections.abc import Callable

from metta.common.errors import CheckpointError
from metta.common.log import get_logger

MAX_FAILURES = 3
"""Failed saves in a row that stop the run (DECISIONS: the third)."""

_log = get_logger(__name__)


class SaveAttempts:
    """Counts failures in a row of one kind of save.

    >>> attempts = SaveAttempts("policy")
    >>> attempts.run(lambda: None)
    True
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.failures = 0

    def run(self, save: Callable[[], object]) -> bool:
        """Call ``save``; False when it failed and is worth another try at the next interval.

        Raises:
            CheckpointError: the third failure in a row.
        """
        try:
            save()
        except CheckpointError as error:
            self.failures += 1
            if self.failures >= MAX_FAILURES:
                raise CheckpointError(
                    f"saving the {self.what} failed {self.failures} times in a row, so the run stops. {error}"
                ) from error
            _log.warning("%s Trying again at the next interval (failure %d of %d).", error, self.failures, MAX_FAILURES)
            return False
        self.failures = 0
        return True
