"""What the exit codes of several ranks mean together. Knows no torch."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from metta.common.errors import ExitCode

_STOPPING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_ASKED_TO_LEAVE = frozenset({*(128 + number for number in _STOPPING), *(-number for number in _STOPPING)})


def is_final(exit_codes: Mapping[int, int]) -> bool:
    """Whether a new start would only end in the same way: a rank told an error of its own, or all were asked to stop.

    When one rank ends, the agent ends the others: what those say afterwards is no cause.
    """
    causes = _causes(exit_codes)
    if causes:
        return any(code > 0 for code in causes.values())
    return bool(exit_codes) and ExitCode.RETRY not in exit_codes.values()


def exit_code_of(exit_codes: Mapping[int, int]) -> int:
    """One exit code for all ranks: an error that a rank told, else the signal that one died of, else what there is.

    >>> exit_code_of({0: 75, 1: -9}), exit_code_of({0: 5, 1: 75}), exit_code_of({0: 143, 1: 75})
    (137, 5, 75)
    """
    causes = list(_causes(exit_codes).values())
    own = [code for code in causes if code > 0]
    asked = sorted(exit_codes.values())  # ExitCode.RETRY comes before those of signals
    code = (own or causes or asked or [int(ExitCode.FAILED)])[0]
    return code if code >= 0 else 128 - code


def in_words(exit_codes: Mapping[int, int]) -> str:
    """What became of the ranks that are the cause.

    >>> in_words({0: 75, 1: -9})
    'rank 1 died of SIGKILL'
    """
    parts = [
        f"rank {rank} " + (f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}")
        for rank, code in sorted((_causes(exit_codes) or exit_codes).items())
    ]
    return ", ".join(parts)


def _causes(exit_codes: Mapping[int, int]) -> dict[int, int]:
    return {rank: code for rank, code in exit_codes.items() if code not in _ASKED_TO_LEAVE and code != ExitCode.RETRY}
