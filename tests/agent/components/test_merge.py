"""Merge."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from metta.agent.components.merge import Merge, MergeModule
from metta.common.errors import ConfigError, ShapeContractError


def test_concat_as_in_the_design_notes() -> None:
    merge = MergeModule(["input1", "input2"], merge_type="concat")
    one, two = torch.randn(3, 5), torch.randn(3, 7)
    merged = merge({"input1": one, "input2": two})["merged"]
    assert torch.equal(merged, torch.cat([one, two], 1))


@pytest.mark.parametrize("batch", [(), (4,), (2, 3)])
def test_arithmetic(batch: tuple[int, ...]) -> None:
    a, b, c = (torch.randn(*batch, 5) for _ in range(3))
    td = {"a": a, "b": b, "c": c}
    torch.testing.assert_close(Merge(["a", "b", "c"], merge_type="add")(td)["merged"], a + b + c)
    torch.testing.assert_close(Merge(["a", "b", "c"], merge_type="subtract")(td)["merged"], a - b - c)
    torch.testing.assert_close(Merge(["a", "b", "c"], "mid", merge_type="mean")(td)["mid"], (a + b + c) / 3)


def test_slices_of_channels_count_without_the_batch() -> None:
    """Two towers that read other channels of one box, and their halves put together again."""
    box = torch.randn(2, 3, 22, 5, 5)
    low = Merge([{"key": "box", "slice": (0, 12), "dim": 0}], "low", shapes={"box": (22, 5, 5)})
    high = Merge([{"key": "box", "slice": (12, 22), "dim": -3}], "high")
    td = high(low({"box": box}))
    assert torch.equal(td["low"], box[:, :, :12])
    assert torch.equal(td["high"], box[:, :, 12:])
    whole = Merge(["low", "high"], "whole", dim=-3)
    assert torch.equal(whole(td)["whole"], box)
    assert low.output_shapes == {"low": (12, 5, 5)}
    again = Merge(["box"], "again", slices=[(12, 22, 0)], shapes={"box": (22, 5, 5)})
    assert torch.equal(again(td)["again"], box[:, :, 12:])


def test_one_key_twice() -> None:
    merge = Merge(["x", "x"], merge_type="subtract", slices=[(0, 2), (2, 4)], shapes={"x": (4,)})
    x = torch.randn(3, 4)
    assert merge.in_keys == ["x"]
    assert merge.output_shapes == {"merged": (2,)}
    torch.testing.assert_close(merge({"x": x})["merged"], x[:, :2] - x[:, 2:])


def test_shapes_are_inferred() -> None:
    shapes = {"a": (5, 3), "b": (7, 3), "other": (1,)}
    arguments = Merge.infer({"dim": 0}, ["a", "b"], shapes, None)
    merge = Merge(["a", "b"], **arguments)
    assert merge.output_shapes == {"merged": (12, 3)}
    assert Merge(["a", "b"], shapes={"a": ("tokens", 3), "b": ("tokens", 4)}).output_shapes["merged"] == ("tokens", 7)
    assert Merge(["a", "b"], shapes={"a": (None,), "b": (4,)}).output_shapes["merged"] == (None,)


@pytest.mark.parametrize(
    ("keys", "options", "message"),
    [
        (["a"], {"merge_type": "times"}, "merge_type='times'"),
        ([], {}, "got 0 inputs"),
        (["a"], {"merge_type": "subtract"}, "two to subtract"),
        (["a", "b"], {"slices": [None]}, "1 slices for 2 inputs"),
        ([{"key": "a", "slices": (0, 1)}], {}, r"got \['slices'\] too"),
        ([{"key": "a", "slice": (1,)}], {}, r"\(start, end\)"),
        ([{"key": "a", "slice": (0, 1), "dim": 0}], {}, "counts from 0, which needs its shape"),
        ([{"key": "a", "slice": (0, 9)}], {"shapes": {"a": (4,)}}, "does not fit"),
        (["a"], {"dim": 2, "shapes": {"a": (4,)}}, "no dimension 2"),
        (["a", "b"], {"merge_type": "add", "shapes": {"a": (4,), "b": (5,)}}, "they must be equal"),
    ],
)
def test_faults(keys: list[Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Merge(keys, **options)


def test_faults_that_show_when_called() -> None:
    with pytest.raises(ShapeContractError, match="must be equal"):
        Merge(["a", "b"], merge_type="add")({"a": torch.zeros(2, 3), "b": torch.zeros(2, 1)})
    with pytest.raises(ShapeContractError, match="slice 0:9 does not fit"):
        Merge([{"key": "a", "slice": (0, 9)}])({"a": torch.zeros(2, 3)})
    assert issubclass(ConfigError, ValueError)
