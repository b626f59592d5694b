"""ClippingWrapper."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.wrappers.clipping import ClippingWrapper
from metta.common.errors import KeyContractError


def test_outputs_are_clamped(policy: LinearModule, features: Tensor) -> None:
    bare = policy._compute({"features": features})["logits"]
    clipped = ClippingWrapper(policy, {"logits": (-0.25, 0.5)})._compute({"features": features})["logits"]
    assert torch.equal(clipped, bare.clamp(-0.25, 0.5))
    assert not torch.equal(clipped, bare)


def test_gradient_is_zero_beyond_the_range(policy: LinearModule) -> None:
    wrapper = ClippingWrapper(policy, logits=(-1e9, -1e8))
    wrapper._compute({"features": torch.ones(2, 3)})["logits"].sum().backward()
    assert policy.linear.weight.grad is not None
    assert not policy.linear.weight.grad.any()


def test_ranges_may_be_keywords_or_lists(policy: LinearModule) -> None:
    assert ClippingWrapper(policy, logits=(-1, 1)).clip_ranges == {"logits": (-1.0, 1.0)}
    assert ClippingWrapper(policy, {"logits": [-5.0, 5.0]}).clip_ranges == {"logits": (-5.0, 5.0)}  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("bounds", [(1, 1), (2, 1), (float("nan"), 1)])
def test_empty_ranges_are_refused(policy: LinearModule, bounds: tuple[float, float]) -> None:
    with pytest.raises(KeyContractError, match="expected low < high"):
        ClippingWrapper(policy, {"logits": bounds})


def test_outputs_that_are_not_there_are_refused(policy: LinearModule) -> None:
    with pytest.raises(KeyContractError, match=r"ranges for \['action'\], which LinearModule does not write"):
        ClippingWrapper(policy, {"action": (0, 1)})
