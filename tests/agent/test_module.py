"""MettaModule: ready when constructed, checks keys and shapes, works on dicts and TensorDicts."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule, TensorDictSequential
from torch import Tensor, nn

from metta.agent.module import MettaModule, TensorMap, fits
from metta.common.errors import KeyContractError, ShapeContractError


class Scale(MettaModule):
    def __init__(self, wrong: bool = False) -> None:
        super().__init__(["x"], ["y"], input_shapes={"x": (3,)}, output_shapes={"y": (3,)})
        self.factor = nn.Parameter(torch.tensor(2.0))
        self.wrong = wrong

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {"z" if self.wrong else "y": self.factor * td["x"]}


def test_dict_and_tensordict_get_the_same_result() -> None:
    x = torch.randn(4, 3)
    as_dict = Scale()({"x": x})
    as_tensordict = Scale()(TensorDict({"x": x}, batch_size=[4]))
    assert torch.equal(as_dict["y"], as_tensordict["y"])
    assert set(as_tensordict.keys()) == {"x", "y"}


@pytest.mark.parametrize("batch", [(), (5,), (2, 6)])
def test_any_number_of_batch_dimensions(batch: tuple[int, ...]) -> None:
    assert Scale()({"x": torch.ones(*batch, 3)})["y"].shape == (*batch, 3)


def test_is_a_valid_tensordict_module() -> None:
    head = TensorDictModule(nn.Linear(3, 2), in_keys=["y"], out_keys=["logits"])
    sequence = TensorDictSequential(*cast(Any, (Scale(), head)))
    assert sequence.in_keys == ["x"]
    assert sequence(TensorDict({"x": torch.ones(4, 3)}, batch_size=[4]))["logits"].shape == (4, 2)


def test_selected_out_keys_are_honoured() -> None:
    module = Scale()
    module.select_out_keys("y")
    assert module.out_keys == ["y"]


def test_missing_key_names_what_is_there() -> None:
    with pytest.raises(KeyContractError, match=r"Scale reads 'x', which is missing; there are \['xx'\].*Did you mean"):
        Scale()({"xx": torch.ones(1, 3)})


def test_wrong_shape_names_key_and_sizes() -> None:
    with pytest.raises(ShapeContractError, match=r"Scale reads 'x' with shape \[..., 3\], got \(2, 4\)"):
        Scale()({"x": torch.ones(2, 4)})


def test_undeclared_output_is_refused() -> None:
    module = Scale(wrong=True)
    with pytest.raises(KeyContractError, match=r"wrote \['z'\]"):
        module.check_outputs(module._compute({"x": torch.ones(1, 3)}))


def test_shapes_must_belong_to_keys() -> None:
    class Odd(Scale):
        def __init__(self) -> None:
            MettaModule.__init__(self, ["x"], ["y"], input_shapes={"q": (1,)})

    with pytest.raises(KeyContractError, match=r"input_shapes of"):
        Odd()


@pytest.mark.parametrize(
    ("shape", "expected", "answer"),
    [
        ((2, 3), (3,), True),
        ((3,), (2, 3), False),
        ((5,), (), True),
        ((2, 9, 4), (None, 4), True),
        ((2, 9), (8,), False),
    ],
)
def test_fits(shape: tuple[int, ...], expected: tuple[int | None, ...], answer: bool) -> None:
    assert fits(shape, expected) is answer
