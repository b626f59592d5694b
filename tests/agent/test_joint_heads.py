"""Heads computed as one layer equal the heads alone, values and gradients; what cannot be joined stays as it is."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from metta.agent.components.heads import ActorHead, ValueHead
from metta.agent.container import ComponentContainer
from metta.agent.joint_heads import join_heads, run_joint
from metta.common import _kernels


def heads(in_key: str = "features") -> dict[str, ActorHead | ValueHead]:
    torch.manual_seed(0)
    return {"actor": ActorHead(6, 4, gain=1.0), "critic": ValueHead(6, in_key)}


@pytest.mark.parametrize("shape", [(40, 6), (5, 9, 6), (3, 6)])
def test_joint_heads_equal_single_ones(shape: tuple[int, ...]) -> None:
    found: list[list[Tensor]] = []
    for joint in (True, False):
        parts = heads()
        assert join_heads([*parts], parts) == (("actor", "critic"),)
        x = torch.randn(*shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
        td = {"features": x}
        alone = {**parts["actor"](dict(td)), **parts["critic"](dict(td))}
        outputs = run_joint(parts["actor"], parts["critic"], td) if joint else alone
        assert outputs["logits"].shape == (*shape[:-1], 4)
        assert outputs["values"].shape == shape[:-1]
        (outputs["logits"].sin().sum() + outputs["values"].square().sum()).backward()
        grads = [tensor.grad for head in parts.values() for tensor in (x, *head.parameters())]
        found.append([outputs["logits"], outputs["values"], *(grad for grad in grads if grad is not None)])
    assert len(found[0]) == 8
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)


def test_without_gradients_they_give_the_same_bits_on_any_number_of_threads() -> None:
    parts, before = heads(), torch.get_num_threads()
    td = {"features": torch.randn(130, 6)}
    found = [run_joint(parts["actor"], parts["critic"], td)]
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            with torch.no_grad():
                found.append(run_joint(parts["actor"], parts["critic"], td))
    finally:
        torch.set_num_threads(before)
    assert found[0]["logits"].requires_grad
    assert not found[1]["logits"].requires_grad
    for outputs in found[1:]:
        for key in ("logits", "values"):
            assert torch.equal(outputs[key], found[0][key])


def test_shapes_that_do_not_fit_are_refused() -> None:
    arrays = [torch.zeros(*shape).numpy() for shape in ((4, 6), (4,), (1, 6), (1,), (9, 4), (9,))]
    for rows, width in ((9, 5), (8, 6)):
        with pytest.raises(ValueError, match="expected shape"):
            _kernels.joint_heads_forward(torch.zeros(rows, width).numpy(), tuple(arrays), 1)


def test_a_container_joins_them_and_a_wrapper_takes_them_apart() -> None:
    network = ComponentContainer({"features": (6,)})
    for name, head in heads().items():
        network.add_component(name, head)
    td = {"features": torch.randn(40, 6)}
    alone = network._compute(dict(td))  # the first call checks each component
    assert network._steps == (("actor", "critic"),)
    joint = network._compute(dict(td))
    network.wrap_component("critic", "gradient_monitoring", {})
    wrapped = (network._compute(dict(td)), network._compute(dict(td)))
    assert network._steps == ("actor", "critic")
    for outputs in (joint, *wrapped):
        for key in ("logits", "values"):
            torch.testing.assert_close(outputs[key], alone[key], rtol=1e-5, atol=1e-6)


def test_heads_of_other_features_stay_apart() -> None:
    parts = heads(in_key="other")
    assert join_heads([*parts], parts) == ("actor", "critic")


def test_a_frozen_head_gets_no_gradient() -> None:
    parts = heads()
    parts["critic"].requires_grad_(False)
    outputs = run_joint(parts["actor"], parts["critic"], {"features": torch.randn(40, 6)})
    (outputs["logits"].sum() + outputs["values"].sum()).backward()
    assert all(parameter.grad is None for parameter in parts["critic"].parameters())
    assert all(parameter.grad is not None for parameter in parts["actor"].parameters())


def test_a_copy_computes_with_its_own_weights() -> None:
    network = ComponentContainer({"features": (6,)})
    for name, head in heads().items():
        network.add_component(name, head)
    td = {"features": torch.randn(40, 6)}
    for _ in range(2):
        network._compute(dict(td))
    other = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert not other._compute(dict(td))["logits"].any()
