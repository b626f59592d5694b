"""Older formats become newer ones, one version at a time. A format that was ever released loads for ever.

To change what a state or a policy file holds: raise ``STATE_VERSION`` or ``POLICY_VERSION``, register what turns the
version before into it, and add a file of the old version to ``tests/golden/formats``, which is never made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from metta.common.errors import NewerVersionError

STATE_VERSION = 2
"""1: the first. 2: control, schedules and what wrappers and losses remember are always there."""
POLICY_VERSION = 1

Tensors = dict[str, Tensor]
Data = dict[str, Any]
Migration = Callable[[Tensors, Data], tuple[Tensors, Data]]

STATE: dict[int, Migration] = {}
"""Version -> what turns a trainer state of it (tensors by name, data) into one of the next."""
POLICY: dict[int, Migration] = {}
"""Version -> what turns weights and ``policy.json`` of it into those of the next."""


def check_version(version: object, newest: int, what: str) -> int:
    """``version`` itself when this program can read it.

    Raises:
        NewerVersionError: a newer program wrote it.
        ValueError: it is no version.
    """
    if type(version) is not int or version < 1:
        raise ValueError(f"format version {version!r}")
    if version > newest:
        raise NewerVersionError(
            f"{what} has format version {version}, this Metta reads up to {newest}: a newer version wrote it. "
            "Update Metta to use it."
        )
    return version


def migrate(
    steps: Mapping[int, Migration], version: int, newest: int, tensors: Tensors, data: Data
) -> tuple[Tensors, Data]:
    """Bring ``tensors`` and ``data`` of ``version`` to ``newest``; neither argument is changed."""
    for number in range(version, newest):
        tensors, data = steps[number](dict(tensors), dict(data))
    return tensors, data


def _state_1(tensors: Tensors, data: Data) -> tuple[Tensors, Data]:
    """Before there was steering and before losses could follow metrics, nothing was in force or averaged."""
    return tensors, {"control": None, "schedules": {}, **data}


STATE[1] = _state_1
