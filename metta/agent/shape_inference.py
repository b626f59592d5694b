"""Shapes through a network: what a component's outputs measure, given its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from metta.agent.module import MettaModule, Shape
from metta.agent.symbols import Size, SymbolTable
from metta.common.errors import ShapeContractError

_PROBE_ROWS = 3


@dataclass(slots=True)
class ShapeFlow:
    """What is known of each key so far. ``None`` as a shape: nothing."""

    symbols: SymbolTable
    shapes: dict[str, Shape | None] = field(default_factory=dict[str, "Shape | None"])
    dtypes: dict[str, torch.dtype] = field(default_factory=dict[str, torch.dtype])

    def known(self, keys: Sequence[str]) -> dict[str, Shape]:
        """Shapes of those of ``keys`` that are known, with symbols resolved."""
        found = {key: self.shapes.get(key) for key in keys}
        return {key: tuple(map(self.symbols.resolve, shape)) for key, shape in found.items() if shape is not None}

    def pass_through(self, name: str, component: MettaModule, *, measure: bool = True) -> list[str]:
        """Fit the inputs to what ``component`` declares, note its outputs; returns faults.

        ``measure``: the component stands on the meta device and may be run where it declares too little.

        Trailing sizes must agree. Sizes before them (agents, steps) pass through to the outputs.
        """
        faults: list[str] = []
        prefix: tuple[Size, ...] = ()
        for key in map(str, component.in_keys):
            shape, wanted = self.shapes.get(key), component.input_shapes.get(key)
            if shape is None or wanted is None:
                continue
            try:
                extra = self._fit(name, shape, wanted)
                prefix = self._merge(prefix, extra)
            except ShapeContractError as error:
                shown = show_shape(self.known([key])[key])
                faults.append(f"component {name!r} reads {key!r} as {show_shape(wanted)}, got {shown}: {error}.")
        if not faults:
            self._note_outputs(name, component, prefix, measure)
        return faults

    def _fit(self, name: str, shape: Shape, wanted: Shape) -> tuple[Size, ...]:
        if len(shape) < len(wanted):
            raise ShapeContractError(f"it has {len(shape)} dimensions beside the batch's, expected {len(wanted)}")
        split = len(shape) - len(wanted)
        for given, expected in zip(shape[split:], wanted, strict=True):
            self.symbols.unify(given, self._local(name, expected))
        return tuple(shape[:split])

    def _merge(self, one: tuple[Size, ...], other: tuple[Size, ...]) -> tuple[Size, ...]:
        if not one or not other:
            return one or other
        if len(one) != len(other):
            return max(one, other, key=len)
        return tuple(self.symbols.unify(a, b) for a, b in zip(one, other, strict=True))

    def _note_outputs(self, name: str, component: MettaModule, prefix: tuple[Size, ...], measure: bool) -> None:
        probed = self._probe(component) if measure and self._is_vague(component) else {}
        for key in map(str, component.out_keys_source):
            declared = component.output_shapes.get(key)
            if key in probed:
                self.shapes[key] = (*prefix, *probed[key][0][len(prefix) :])
                self.dtypes[key] = probed[key][1]
            elif declared is None:
                self.shapes[key] = None
            else:
                resolved = tuple(self.symbols.resolve(self._local(name, size)) for size in declared)
                self.shapes[key] = (*prefix, *resolved)

    def _local(self, name: str, size: Size) -> Size:
        """A name that a component declares means the same size within this component only."""
        return f"{name}.{size}" if isinstance(size, str) else size

    def _is_vague(self, component: MettaModule) -> bool:
        shapes = [component.output_shapes.get(str(key)) for key in component.out_keys_source]
        return any(shape is None or None in shape for shape in shapes)

    def _probe(self, component: MettaModule) -> dict[str, tuple[Shape, torch.dtype]]:
        """Run the component, which stands on the meta device, on inputs without contents."""
        inputs: dict[str, Tensor] = {}
        shapes = self.known(list(map(str, component.in_keys)))
        for key in map(str, component.in_keys):
            sizes = shapes.get(key)
            if sizes is None or not all(isinstance(size, int) for size in sizes):
                return {}
            dtype = self.dtypes.get(key, torch.float32)
            inputs[key] = torch.empty(_PROBE_ROWS, *map(int, filter(None, sizes)), dtype=dtype, device="meta")
        try:
            outputs = component._compute(inputs)
        except Exception:  # noqa: BLE001 - who cannot run without contents keeps its sizes to itself until the first call
            return {}
        return {key: (tuple(value.shape[1:]), value.dtype) for key, value in outputs.items()}


def show_shape(shape: Sequence[Size] | Mapping[str, Size]) -> str:
    """``[seq_len, 512]``; a component's own names without the component.

    >>> show_shape(("attention.seq", None, 512))
    '[seq, any, 512]'
    """
    return "[" + ", ".join("any" if size is None else str(size).rpartition(".")[2] for size in shape) + "]"
