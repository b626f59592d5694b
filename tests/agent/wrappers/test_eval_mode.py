"""EvalModeWrapper."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from metta.agent.wrappers.eval_mode import EvalModeWrapper


def test_no_dropout_and_fixed_statistics_while_the_network_trains(block: Any, features: Tensor) -> None:
    wrapper = EvalModeWrapper(block, "aux").train()
    mean = block.norm.running_mean.clone()
    one = wrapper({"features": features})
    assert torch.equal(one["logits"], wrapper({"features": features})["logits"])
    assert torch.equal(block.norm.running_mean, mean)
    assert one["_component_status"] == {"aux": "eval"}
    assert wrapper.training


def test_it_still_learns(block: Any, features: Tensor) -> None:
    EvalModeWrapper(block).train()._compute({"features": features})["logits"].sum().backward()
    assert block.linear.weight.grad is not None


def test_switched_off_it_follows_the_network_again_at_once(block: Any, features: Tensor) -> None:
    wrapper = EvalModeWrapper(block).train()
    wrapper._compute({"features": features})
    wrapper.active = False
    wrapper._compute({"features": features})
    assert block.dropout.training
    wrapper.eval()
    wrapper._compute({"features": features})
    assert not block.dropout.training
