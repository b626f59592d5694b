"""dense equals torch's linear layer and activation: values, gradients, and equal bits for any number of threads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from metta.agent.components.activation import ACTIVATIONS, activation_named
from metta.agent.components.dense import dense
from metta.common import _kernels


def with_gradients(run: Callable[[Tensor], Tensor], layer: nn.Linear, x: Tensor, grad: Tensor) -> list[Tensor]:
    leaf = x.clone().requires_grad_()
    layer.zero_grad()
    out = run(leaf)
    out.backward(grad)
    found = [out.detach(), leaf.grad, *(parameter.grad for parameter in layer.parameters())]
    return [tensor.clone() for tensor in found if tensor is not None]


@pytest.mark.parametrize("activation", ["relu", "tanh", "identity"])
@pytest.mark.parametrize(
    ("shape", "inputs", "outputs"), [((5, 13), 7, 33), ((97,), 64, 1), ((3,), 4, 5), ((40,), 1, 70), ((2, 260), 96, 32)]
)
def test_equals_torch(activation: str, shape: tuple[int, ...], inputs: int, outputs: int) -> None:
    generator = torch.Generator().manual_seed(3)
    layer, activate = nn.Linear(inputs, outputs, bias=inputs != 64), ACTIVATIONS[activation]
    x = torch.randn(*shape, inputs, generator=generator)
    grad = torch.randn(*shape, outputs, generator=generator)
    got = with_gradients(lambda rows: dense(layer, rows, activate), layer, x, grad)
    expected = with_gradients(lambda rows: activate(layer(rows) * 1.0), layer, x, grad)
    for mine, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=2e-5, atol=2e-5)


def test_bits_do_not_depend_on_threads() -> None:
    rng = np.random.default_rng(1)
    x, w, bias, grad = (rng.normal(size=size).astype(np.float32) for size in ((500, 40), (50, 40), (50,), (500, 50)))
    found: list[list[bytes]] = []
    for threads in (1, 2, 5):
        y, grad_x, grad_w, grad_bias = np.empty_like(grad), np.empty_like(x), np.empty_like(w), np.empty_like(bias)
        _kernels.dense_forward(x, w, bias, True, y, threads)
        _kernels.dense_backward(x, w, y, grad, True, grad_x, grad_w, grad_bias, threads)
        found.append([array.tobytes() for array in (y, grad_x, grad_w, grad_bias)])
    assert found[0] == found[1] == found[2]


def test_takes_no_gradient_that_nobody_wants() -> None:
    layer = nn.Linear(4, 3)
    out = dense(layer, torch.randn(40, 4), activation_named("relu"))
    out.sum().backward()
    assert layer.weight.grad is not None
    with torch.no_grad():
        assert not dense(layer, torch.randn(40, 4), activation_named("relu")).requires_grad


def test_hooks_of_the_layer_run() -> None:
    layer = nn.Linear(4, 3)
    calls: list[int] = []
    layer.register_forward_hook(lambda *_: calls.append(1))
    dense(layer, torch.randn(40, 4), activation_named(None))
    assert calls == [1]


def test_kernel_refuses_other_shapes() -> None:
    one = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match="y: expected shape"):
        _kernels.dense_forward(one, np.zeros((4, 3), np.float32), None, False, np.zeros((2, 5), np.float32), 1)
    with pytest.raises(ValueError, match="w: expected shape"):
        _kernels.dense_forward(one, np.zeros((4, 2), np.float32), None, False, np.zeros((2, 4), np.float32), 1)


def test_what_is_not_a_number_stays_visible() -> None:
    x = torch.randn(40, 4)
    x[3, 0] = float("nan")
    out = dense(nn.Linear(4, 3), x, activation_named("relu"))
    assert out.isnan().any(1).nonzero().flatten().tolist() == [3]


def test_numbers_below_the_smallest_normal_one_are_zero_in_kernels_and_nowhere_else() -> None:
    """Arithmetic on them takes a hundred times as long; gradients that fade over many steps are full of them."""
    tiny, weight = torch.full((64, 8), 1e-30), torch.full((4, 8), 1e-12)
    for threads in (1, 2):
        y = torch.full((64, 4), 7.0)
        _kernels.dense_forward(tiny.numpy(), weight.numpy(), None, False, y.numpy(), threads)
        assert (y == 0).all()
    assert float(np.float32(1e-30) * np.float32(1e-12)) > 0
