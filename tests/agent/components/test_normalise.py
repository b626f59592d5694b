"""Normalise."""

from __future__ import annotations

import pytest
import torch

from metta.agent.components.normalise import Normalise
from metta.common.errors import ConfigError


def test_fixed_by_number_entry_or_channel() -> None:
    x = torch.randn(2, 3, 4)
    out = Normalise(4, kind="fixed", mean=1.0, std=[1.0, 2.0, 3.0, 4.0])({"input": x})["normalised"]
    torch.testing.assert_close(out, (x - 1) / torch.tensor([1.0, 2.0, 3.0, 4.0]))
    box = torch.randint(0, 256, (5, 2, 3, 3), dtype=torch.uint8)
    out = Normalise((2, 3, 3), kind="fixed", std=[10.0, 100.0])({"input": box})["normalised"]
    torch.testing.assert_close(out[:, 1], box[:, 1] / 100)
    assert not Normalise(4, kind="fixed").state_dict()


def test_layer_equals_its_definition() -> None:
    norm, x = Normalise((3, 4)), torch.randn(5, 2, 3, 4)
    flat = x.flatten(-2)
    expected = (flat - flat.mean(-1, keepdim=True)) / (flat.var(-1, keepdim=True, correction=0) + 1e-5).sqrt()
    out = norm({"input": x})["normalised"]
    torch.testing.assert_close(out, expected.view(x.shape))
    out.sum().backward()
    assert all(parameter.grad is not None for parameter in norm.parameters())


def test_running_statistics_are_those_of_all_inputs_together() -> None:
    norm = Normalise(3, kind="running")
    batches = [torch.randn(size, 2, 3) * 4 + 7 for size in (1, 5, 30)]
    for batch in batches:
        norm({"input": batch})
    everything = torch.cat([batch.flatten(0, 1) for batch in batches])
    torch.testing.assert_close(norm.mean, everything.mean(0))
    torch.testing.assert_close(norm.variance, everything.var(0, correction=0))
    assert float(norm.count) == 72
    x = torch.full((1, 3), 1e6)
    assert (norm.eval()({"input": x})["normalised"] == 10).all()


def test_acting_and_evaluation_leave_running_statistics_alone() -> None:
    norm = Normalise(3, kind="running")
    with torch.no_grad():
        norm({"input": torch.randn(4, 3)})
    norm.eval()({"input": torch.randn(4, 3)})
    assert float(norm.count) == 0
    restored = Normalise(3, kind="running")
    norm.train()({"input": torch.randn(4, 3)})
    restored.load_state_dict(norm.state_dict())
    assert torch.equal(restored.mean, norm.mean)


def test_running_statistics_let_gradients_through() -> None:
    norm, x = Normalise(3, kind="running"), torch.randn(4, 3, requires_grad=True)
    norm({"input": x})["normalised"].sum().backward()
    assert x.grad is not None


def test_shape_is_inferred_and_faults_are_named() -> None:
    assert Normalise.infer({}, ["x"], {"x": (3, 4)}, None) == {"shape": (3, 4)}
    with pytest.raises(ConfigError, match="kind='batch'"):
        Normalise(3, kind="batch")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigError, match=r"numbers as mean for inputs of \(3,\); give 3"):
        Normalise(3, kind="fixed", mean=[1.0, 2.0])
    with pytest.raises(ConfigError, match="divides by it"):
        Normalise(3, kind="fixed", std=0.0)
