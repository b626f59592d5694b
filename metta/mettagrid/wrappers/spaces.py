"""Gymnasium spaces of a game, and the one gate through which every library's actions come in."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any, Literal, cast

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError, EnvError, ShapeContractError
from metta.mettagrid.action_table import ActionTable

ActionSpaceKind = Literal["flat", "multi"]
"""``flat``: ``Discrete`` over all actions. ``multi``: ``MultiDiscrete([families, largest argument + 1])``."""

_INTEGERS = (int, np.integer)
_CPU = 1  # DLPack's kDLCPU
_MSG_NOT_AN_ARRAY = (
    "{name} is a {kind} with {reason}; expected integers {expected}. Pass a numpy array, e.g. numpy.asarray(actions)."
)


def observation_space(spec: EnvSpec) -> spaces.Space[Any]:
    """One agent's observation: tokens are bytes, boxes are numbers without bounds."""
    if spec.obs_dtype == "uint8":
        return spaces.Box(0, 255, spec.obs_shape, np.uint8)
    return spaces.Box(-np.inf, np.inf, spec.obs_shape, np.float32)


class ActionReader:
    """Turns what a library hands over into the ``[rows] int32`` flat indices that the engine takes.

    An ``int32`` array that fits already passes without a copy.

    Raises:
        ConfigError: an unknown kind of action space.
    """

    def __init__(self, table: ActionTable, kind: ActionSpaceKind) -> None:
        if kind not in ("flat", "multi"):
            raise ConfigError(f"action_space={kind!r}, expected 'flat' or 'multi'.")
        self.table, self.kind = table, kind
        self._bounds = np.array(table.shape if kind == "multi" else table.num_actions, dtype=np.int64)
        self._tail = (2,) if kind == "multi" else ()

    @property
    def strict(self) -> bool:
        """Whether the engine may refuse what is outside the table: pairs may be, by design."""
        return self.kind == "flat"

    def single_space(self) -> spaces.Space[Any]:
        """A new space of one agent's action; each has its own random generator."""
        if self.kind == "multi":
            return spaces.MultiDiscrete(list(self.table.shape))
        return spaces.Discrete(self.table.num_actions)

    def mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The engine's flat mask as this space wants it, a copy (``ActionTable.pair_mask`` for pairs)."""
        return mask.copy() if self.kind == "flat" else self.table.pair_mask(mask)

    def sample_mask(self, mask: NDArray[np.bool_]) -> Any:
        """One agent's flat mask as ``single_space().sample(mask)`` takes it, a copy.

        Shapes: ``mask [A]`` -> ``[A] int8`` (flat), or a tuple of ``[F] int8`` and ``[M] int8`` (pairs).
        """
        if self.kind == "flat":
            return mask.astype(np.int8)
        families, arguments = np.split(self.table.pair_mask(mask).astype(np.int8), [self.table.shape[0]])
        return families, arguments

    def read(self, actions: Any, rows: int, name: str = "actions", *, engine_checks: bool = False) -> NDArray[np.int32]:
        """Flat indices of ``rows`` actions.

        Shapes: ``[rows]`` integers (flat) or ``[rows, 2]`` (pairs) -> ``[rows] int32``, C-contiguous.

        Args:
            engine_checks: the caller sends with ``strict=self.strict``, so ``int32`` is not looked through here too.

        Raises:
            ShapeContractError: no integers on the CPU, or another shape.
            EnvError: an action outside the space, naming the first.
        """
        array = self._as_integers(actions, (rows, *self._tail), name)
        if not (engine_checks and self.strict and array.dtype == np.int32):
            self._check_range(array, name)
        if self.kind == "multi":
            return np.ascontiguousarray(self.table.to_flat(array))
        return np.ascontiguousarray(array, dtype=np.int32)

    def read_one(self, action: Any, name: str = "action") -> int:
        """The flat index of one agent's action.

        Raises:
            ShapeContractError: no integer (flat), no pair of integers (multi).
            EnvError: an action outside the space.
        """
        if self.kind == "flat" and isinstance(action, _INTEGERS) and 0 <= action < self.table.num_actions:
            return index(cast(int, action))
        array = _to_numpy(action, self._tail, name)
        if array.shape != self._tail or array.dtype.kind not in "iu":
            expected = "one integer" if self.kind == "flat" else "two integers (family, argument)"
            raise ShapeContractError(f"{name} is {array.dtype}{list(array.shape)}, expected {expected}.")
        self._check_range(array, name)
        return int(self.table.to_flat(array) if self._tail else array)

    def _as_integers(self, actions: Any, shape: tuple[int, ...], name: str) -> NDArray[np.integer[Any]]:
        array = _to_numpy(actions, shape, name)
        if array.dtype.kind not in "iu":
            raise ShapeContractError(
                f"{name} is {array.dtype}{list(array.shape)}, expected integers {list(shape)}. "
                f"Convert it: {name}.astype(numpy.int32)."
            )
        if array.shape != shape:
            hint = "(family, argument) a row" if self.kind == "multi" else "one flat index a row"
            raise ShapeContractError(
                f"{name} is {array.dtype}{list(array.shape)}, expected integers {list(shape)}: {hint}."
            )
        return array

    def _check_range(self, array: NDArray[np.integer[Any]], name: str) -> None:
        wrong = (array < 0) | (array >= self._bounds)
        if not wrong.any():
            return
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        place = "".join(f"[{i}]" for i in where)
        bound = int(self._bounds[where[-1]] if self._tail else self._bounds)
        what = ("family", "argument")[where[-1]] if self._tail else "action"
        raise EnvError(
            f"{name}{place} = {array[where]} is no {what} of this game, expected 0 .. {bound - 1} "
            f"({self.table.names[0]} .. {self.table.names[-1]}). Sample from the action space, or map names with "
            "ActionTable."
        )


def _to_numpy(actions: Any, shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """An array as it is, or made of a list, a number or another library's tensor."""
    if isinstance(actions, np.ndarray):
        return cast(NDArray[Any], actions)
    expected = list(shape)
    if hasattr(actions, "__dlpack_device__"):
        if not _is_on_cpu(actions):
            raise ShapeContractError(
                f"{name} lies on device {getattr(actions, 'device', 'unknown')}, expected integers {expected} on the "
                f"CPU. Pass {name}.cpu()."
            )
        return np.from_dlpack(actions)
    if not issubclass(type(actions), (Sequence, *_INTEGERS)):
        raise ShapeContractError(
            _MSG_NOT_AN_ARRAY.format(name=name, kind=type(actions).__name__, reason="no shape", expected=expected)
        )
    try:
        return np.asarray(actions)
    except (TypeError, ValueError) as error:
        raise ShapeContractError(
            _MSG_NOT_AN_ARRAY.format(name=name, kind=type(actions).__name__, reason=f"{error}", expected=expected)
        ) from None


def _is_on_cpu(tensor: Any) -> bool:
    try:
        return tensor.__dlpack_device__()[0] == _CPU
    except (BufferError, ValueError):  # devices that DLPack has no number for
        return False
