"""Shapes along the data: trailing sizes agree, the others pass through."""

from __future__ import annotations

import torch

from metta.agent.components.linear import LinearModule
from metta.agent.module import MettaModule, TensorMap
from metta.agent.shape_inference import ShapeFlow
from metta.agent.symbols import SymbolTable


class Mask(MettaModule):
    """Two inputs whose steps must agree."""

    def __init__(self) -> None:
        super().__init__(
            ["x", "m"], ["y"], input_shapes={"x": ("seq", 8), "m": ("seq",)}, output_shapes={"y": ("seq", 8)}
        )

    def _compute(self, td: TensorMap) -> dict[str, torch.Tensor]:
        return {"y": td["x"] * td["m"][..., None]}


def flow(**shapes: tuple[int | str | None, ...]) -> ShapeFlow:
    return ShapeFlow(SymbolTable({"length": (("<=", 9),)}), dict(shapes))


def test_leading_sizes_pass_through() -> None:
    found = flow(x=("batch", "length", 8))
    assert found.pass_through("layer", LinearModule(8, 3, "x", "y")) == []
    assert found.shapes["y"] == ("batch", "length", 3)


def test_names_of_a_component_are_its_own() -> None:
    found = flow(x=("agents", "length", 8), m=("agents", 4))
    assert found.pass_through("mask", Mask()) == []
    assert found.known(["y", "x"]) == {"y": ("agents", 4, 8), "x": ("agents", 4, 8)}


def test_faults_name_component_and_key() -> None:
    (fault,) = flow(x=(7, 8), m=(5,)).pass_through("mask", Mask())
    assert fault == "component 'mask' reads 'm' as [seq], got [5]: 5 is not 7."
    (fault,) = flow(x=(8,), m=(5,)).pass_through("mask", Mask())
    assert fault.endswith("got [8]: it has 1 dimensions beside the batch's, expected 2.")
