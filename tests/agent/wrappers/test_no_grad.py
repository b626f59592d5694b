"""NoGradWrapper: frozen, but no dam."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from metta.agent.container import ComponentContainer
from metta.agent.wrappers.no_grad import NoGradWrapper


def test_frozen_parameters_get_no_gradient_but_those_upstream_do(
    make_network: Callable[[], ComponentContainer],
) -> None:
    network, free = make_network(), make_network()
    network.wrap_component("policy", "no_grad")
    x = torch.randn(5, 3)
    for net in (network, free):
        net._compute({"observation": x})["action_logits"].square().mean().backward()
    assert all(parameter.grad is None for parameter in network["policy"].parameters())
    for one, other in zip(network["encoder"].parameters(), free["encoder"].parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.equal(one.grad, other.grad)


def test_an_optimizer_leaves_a_frozen_component_alone(make_network: Callable[[], ComponentContainer]) -> None:
    network = make_network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=0.5)
    network({"observation": torch.randn(5, 3)})["action_logits"].sum().backward()
    optimizer.step()  # momentum is there
    network.wrap_component("policy", "no_grad")
    kept = [parameter.detach().clone() for parameter in network["policy"].parameters()]
    for _ in range(3):
        optimizer.zero_grad(set_to_none=True)
        network({"observation": torch.randn(5, 3)})["action_logits"].sum().backward()
        optimizer.step()
    for before, parameter in zip(kept, network["policy"].parameters(), strict=True):
        assert torch.equal(before, parameter)


def nodes_of(tensor: Tensor) -> int:
    """Size of the graph that a backward pass from ``tensor`` would walk."""
    seen, todo = set[object](), [tensor.grad_fn] if tensor.grad_fn else []
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [after for after, _ in node.next_functions]
    return len(seen)


def test_nothing_upstream_learns_so_there_is_no_backward_pass(make_network: Callable[[], ComponentContainer]) -> None:
    network = make_network()
    x = torch.randn(5, 3)
    whole = nodes_of(network._compute({"observation": x})["action_logits"])
    network.wrap_component("encoder", "no_grad")
    out = network._compute({"observation": x})
    assert not out["features"].requires_grad
    assert 0 < nodes_of(out["action_logits"]) < whole
    network.wrap_component("policy", "no_grad")
    assert nodes_of(network._compute({"observation": x})["action_logits"]) == 0


def test_requires_grad_is_as_before(policy: nn.Module, features: Tensor) -> None:
    first, *_ = policy.parameters()
    first.requires_grad_(False)
    wrapper = NoGradWrapper(policy, "policy")  # pyright: ignore[reportArgumentType]
    wrapper._compute({"features": features})
    assert [parameter.requires_grad for parameter in policy.parameters()] == [False, True]


def test_thawed_it_learns_again_and_reports(policy: nn.Module, features: Tensor) -> None:
    wrapper = NoGradWrapper(policy, "policy")  # pyright: ignore[reportArgumentType]
    assert wrapper({"features": features})["_component_status"] == {"policy": "frozen"}
    wrapper.active = False
    out = wrapper({"features": features})
    assert "_component_status" not in out
    assert out["logits"].requires_grad
