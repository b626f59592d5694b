"""MettaModule: a named, shape-checked computation, ready when constructed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from tensordict import TensorDictBase
from tensordict.nn import TensorDictModuleBase
from torch import Tensor

from metta.common.env_spec import EnvSpec
from metta.common.errors import KeyContractError, ShapeContractError
from metta.common.suggest import did_you_mean

Shape = tuple[int | str | None, ...]
"""Sizes after the batch dimensions; None stands for any size, a name for one that is equal wherever it stands."""
TensorMap = Mapping[str, Tensor] | TensorDictBase
Data = TypeVar("Data", bound="dict[str, Any] | TensorDictBase")

MEMORY_PREFIX = "memory/"
"""A component that remembers reads ``memory/<name>`` ..."""
NEXT_MEMORY_PREFIX = "next_memory/"
"""... and writes ``next_memory/<name>``. Who keeps it between calls is the caller's affair."""


class MettaModule(TensorDictModuleBase):
    """Pure computation from ``in_keys`` to ``out_keys``: no set-up phase, no knowledge of neighbours.

    Subclasses implement ``_compute``, which reads its inputs from a mapping and returns its outputs. Calling the module
    checks keys and shapes, computes, and writes the outputs into the dict or TensorDict it was given. Shapes leave out
    the batch dimensions (there may be any number of them); ``None`` stands for any size, a name such as ``"seq"`` for
    a size that inputs and outputs have in common. ``memory_shapes`` names what a recurrent component wants to be kept
    per agent row between steps.

    >>> import torch
    >>> class Double(MettaModule):
    ...     def __init__(self):
    ...         super().__init__(["x"], ["y"], input_shapes={"x": (3,)}, output_shapes={"y": (3,)})
    ...     def _compute(self, td):
    ...         return {"y": 2 * td["x"]}
    >>> Double()({"x": torch.ones(2, 3)})["y"].shape
    torch.Size([2, 3])

    Raises:
        KeyContractError: an input key is missing.
        ShapeContractError: an input has other trailing sizes than ``input_shapes`` says.
    """

    optional_keys: tuple[str, ...] = ()
    """Inputs that may be absent: the component then makes them itself."""

    def __init__(
        self,
        in_keys: Iterable[str],
        out_keys: Iterable[str],
        *,
        input_shapes: Mapping[str, Shape] | None = None,
        output_shapes: Mapping[str, Shape] | None = None,
        memory_shapes: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        super().__init__()
        self.in_keys = list(in_keys)
        self.out_keys = list(out_keys)
        self.input_shapes = dict(input_shapes or {})
        self.output_shapes = dict(output_shapes or {})
        self.memory_shapes = dict(memory_shapes or {})
        _check_declared(self, "input_shapes", self.input_shapes, self.in_keys)
        _check_declared(self, "output_shapes", self.output_shapes, self.out_keys)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        """Arguments for the constructor, keys left out: ``config`` and what follows from the inputs or the environment.

        NetworkBuilder calls it. ``shapes`` are the trailing sizes of each input, as far as they are known; ``spec`` is
        None for networks that know no environment. What ``config`` says is never overruled.
        """
        return dict(config)

    @abstractmethod
    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        """The outputs, by key. Must not change ``td``."""
        raise NotImplementedError

    def forward(self, tensordict: Data) -> Data:
        """Check, compute, write the outputs into ``tensordict`` and return it."""
        self.check_inputs(tensordict)
        for key, value in self._compute(tensordict).items():
            tensordict[key] = value
        return tensordict

    def check_inputs(self, td: TensorMap, name: str | None = None) -> None:
        """Raise unless ``td`` holds every input in its declared shape. ``name`` is how messages call this component."""
        absent = {key for key in self.optional_keys if td.get(key, None) is None}
        keys = [key for key in map(str, self.in_keys) if key not in absent]
        check_tensors(td, keys, self.input_shapes, f"{name or type(self).__name__} reads")

    def check_outputs(self, outputs: Mapping[str, Tensor], name: str | None = None) -> None:
        """Raise unless ``outputs`` are what this component declares to write."""
        who = name or type(self).__name__
        if extra := sorted(set(outputs) - set(self.out_keys_source)):
            raise KeyContractError(
                f"{who} wrote {extra}, which are not among its out_keys {self.out_keys_source}. "
                f"Add them to out_keys, or do not return them from _compute."
            )
        check_tensors(outputs, map(str, self.out_keys_source), self.output_shapes, f"{who} declares to write")


def check_tensors(td: TensorMap, keys: Iterable[str], shapes: Mapping[str, Shape], who_does_what: str) -> None:
    """Raise unless ``td`` holds every key, each with the trailing sizes of ``shapes``."""
    for key in keys:
        value = td.get(key, None)
        if value is None:
            there = sorted(str(other) for other in td.keys())  # noqa: SIM118 - a TensorDict iterates over its batch
            raise KeyContractError(
                f"{who_does_what} {key!r}, which is missing; there are {there}.{did_you_mean(key, there)}"
            )
        expected = shapes.get(key)
        if expected is not None and not fits(tuple(value.shape), expected):
            raise ShapeContractError(
                f"{who_does_what} {key!r} with shape {_batched(expected)}, got {tuple(value.shape)}. "
                f"Check the sizes of the component that wrote {key!r}."
            )


def fits(shape: tuple[int, ...], expected: Shape) -> bool:
    """Whether the trailing sizes of ``shape`` are ``expected``.

    >>> fits((8, 3, 11, 11), (3, None, None))
    True
    """
    if len(shape) < len(expected):
        return False
    named: dict[str, int] = {}
    trailing = shape[len(shape) - len(expected) :]
    for got, want in zip(trailing, expected, strict=True):
        if isinstance(want, str):
            want = named.setdefault(want, got)
        if want is not None and got != want:
            return False
    return True


def _batched(shape: Shape) -> str:
    return "[..., " + ", ".join("any" if size is None else str(size) for size in shape) + "]"


def _check_declared(module: MettaModule, name: str, shapes: Mapping[str, Shape], keys: list[str]) -> None:
    if unknown := sorted(set(shapes) - set(keys)):
        raise KeyContractError(f"{type(module).__name__}: {name} of {unknown} do not belong to its keys {keys}.")
