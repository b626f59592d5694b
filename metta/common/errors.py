"""Named errors. Each message says what we got, what was expected, the likely cause and the key to change."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command (documented in ``docs/cli.md``)."""

    OK = 0
    FAILED = 1
    USAGE = 2
    OWNED = 3
    NOT_A_NUMBER = 5
    RETRY = 75
    SIGHUP = 129
    SIGINT = 130
    SIGTERM = 143


class MettaError(Exception):
    """Base of all errors that a user can cause or cure. ``exit_code`` is what the command line returns for it."""

    exit_code: int = ExitCode.FAILED


class ConfigError(MettaError, ValueError):
    """A command line, config key or config value that cannot be used."""

    exit_code: int = ExitCode.USAGE


class KeyContractError(MettaError, ValueError):
    """A component reads or writes keys that do not fit its neighbours."""


class ShapeContractError(MettaError, ValueError):
    """A tensor or buffer has another shape, dtype or layout than its contract says."""


class EnvError(MettaError, RuntimeError):
    """An environment was used against its protocol, or its worker failed."""


class CheckpointError(MettaError, RuntimeError):
    """A policy artifact or trainer state is missing, damaged, foreign or from a newer version."""


class NewerVersionError(CheckpointError):
    """A file that a newer version of this program wrote."""


class MemoryLimitError(MettaError, RuntimeError):
    """The settings ask for more memory than there is; the message names what to lower."""


class RunOwnedError(MettaError, RuntimeError):
    """The run directory belongs to another live process."""

    exit_code: int = ExitCode.OWNED


class NotANumberError(MettaError, RuntimeError):
    """A loss, gradient, weight or reward became NaN or infinite."""

    exit_code: int = ExitCode.NOT_A_NUMBER


class InterruptedBySignal(MettaError, RuntimeError):  # noqa: N818 - not a fault
    """A signal asked the run to stop; the message says what is saved. ``exit_code`` is 128 + the signal's number."""

    def __init__(self, signum: int, message: str) -> None:
        super().__init__(message)
        self.signum = signum
        self.exit_code = 128 + signum
