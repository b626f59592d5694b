"""Steps of the native kernel against torch's Adam, its threads, its state, and what it leaves to torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from metta.rl import native_adam
from metta.rl.native_adam import NativeAdam, NativeAdamW, clip_and_step
from metta.rl.trainer_snapshot import flatten_optimizer, restore_optimizer

SHAPES = [(3, 5), (1,), (130,), (517, 129), (0, 4), (), (16384,)]
"""Smaller and larger than a chunk, none a multiple of the lanes but the last."""

PAIRS = {"adam": (NativeAdam, torch.optim.Adam), "adamw": (NativeAdamW, torch.optim.AdamW)}


def make(kind: type[torch.optim.Adam], **settings: Any) -> tuple[list[nn.Parameter], torch.optim.Adam]:
    """Parameters of all sizes in two groups with rates of their own."""
    noise = torch.Generator().manual_seed(3)
    weights = [nn.Parameter(torch.randn(shape, generator=noise)) for shape in SHAPES]
    groups = [{"params": weights[:3], "name": "a"}, {"params": weights[3:], "name": "b", "lr": 0.02}]
    return weights, kind(groups, lr=0.01, eps=1e-5, fused=True, **settings)


def give_gradients(weights: list[nn.Parameter], step: int, frozen: frozenset[int] = frozenset()) -> None:
    """Of growing size; every third row is untouched, as in a table where few rows are looked up."""
    noise = torch.Generator().manual_seed(100 + step)
    for number, weight in enumerate(weights):
        gradient = torch.randn(weight.shape, generator=noise) * 0.01 * (1 + step)
        if gradient.ndim == 2:
            gradient[::3] = 0.0
        weight.grad = None if number in frozen else gradient.to(weight.dtype)


def train(
    kind: type[torch.optim.Adam], steps: int, *, max_norm: float = 2.0, **settings: Any
) -> tuple[list[Tensor], list[float]]:
    weights, optimizer = make(kind, **settings)
    norms: list[float] = []
    for step in range(steps):
        give_gradients(weights, step, frozenset({1, 3}) if step == 4 else frozenset())
        norms.append(clip_and_step(optimizer, weights, max_norm).item())
    return [weight.detach() for weight in weights], norms


@pytest.fixture
def torch_is_off_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the kernel was to take this step")

    monkeypatch.setattr(torch, "_fused_adam_", refuse)
    monkeypatch.setattr(torch, "_fused_adamw_", refuse)


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("max_norm", [0.0, 20.0])
def test_equals_torch(kind: str, decay: float, max_norm: float) -> None:
    """Over many steps, with several rates, parameters that are frozen for a while, and gradients that get clipped."""
    native, of_torch = PAIRS[kind]
    weights, norms = train(native, 30, max_norm=max_norm, weight_decay=decay)
    expected, expected_norms = train(of_torch, 30, max_norm=max_norm, weight_decay=decay)
    torch.testing.assert_close(norms, expected_norms, rtol=1e-6, atol=0)
    assert norms[0] < 20.0 < norms[-1]
    for weight, wanted in zip(weights, expected, strict=True):
        torch.testing.assert_close(weight, wanted, rtol=2e-6, atol=2e-6)


@pytest.mark.usefixtures("torch_is_off_limits")
@pytest.mark.parametrize("kind", PAIRS)
def test_bits_do_not_depend_on_threads(kind: str) -> None:
    before = torch.get_num_threads()
    try:
        results: list[tuple[list[Tensor], list[float]]] = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(train(PAIRS[kind][0], 6, weight_decay=0.1))
    finally:
        torch.set_num_threads(before)
    for weights, norms in results[1:]:
        assert norms == results[0][1]
        assert all(map(torch.equal, weights, results[0][0]))


def test_clipped_gradients_are_left_scaled() -> None:
    weights, optimizer = make(NativeAdam)
    give_gradients(weights, 0)
    before = [weight.grad.clone() for weight in weights if weight.grad is not None]
    norm = clip_and_step(optimizer, weights, 0.25).item()
    assert norm == pytest.approx(torch.cat([grad.flatten() for grad in before]).double().norm().item(), rel=1e-6)
    for weight, grad in zip(weights, before, strict=True):
        torch.testing.assert_close(weight.grad, grad * (0.25 / norm), rtol=1e-5, atol=1e-9)
    give_gradients(weights, 0)
    optimizer.step()
    assert all(
        weight.grad is not None and torch.equal(weight.grad, g) for weight, g in zip(weights, before, strict=True)
    )


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_reaches_all_weights(bad: float) -> None:
    """As torch does it: nothing may look right after a gradient that is not."""
    states: list[list[Tensor]] = []
    for kind in PAIRS["adam"]:
        weights, optimizer = make(kind)
        give_gradients(weights, 0)
        assert weights[3].grad is not None
        weights[3].grad[4, 4] = bad
        assert not clip_and_step(optimizer, weights, 0.5).isfinite()
        states.append([weight.detach().isnan() for weight in weights])
    assert all(map(torch.equal, *states))
    assert bad == float("inf") or all(bool(nan.all()) for nan in states[0])


@pytest.mark.parametrize("kind", PAIRS)
def test_state_is_torchs(kind: str) -> None:
    """Same keys, shapes and dtypes; a parameter that never had a gradient has none."""
    described: list[Any] = []
    for cls in PAIRS[kind]:
        weights, optimizer = make(cls)
        for step in range(3):
            give_gradients(weights, step, frozenset({2}))
            optimizer.step()
        state = optimizer.state_dict()
        tensors = {k: {n: (v.shape, v.dtype) for n, v in entry.items()} for k, entry in state["state"].items()}
        steps = {k: entry["step"].item() for k, entry in state["state"].items()}
        described.append((tensors, steps, state["param_groups"]))
    assert described[0] == described[1]


def test_resumes_to_the_byte() -> None:
    weights, optimizer = make(NativeAdam)
    for step in range(3):
        give_gradients(weights, step)
        optimizer.step()
    twins, resumed = make(NativeAdam)
    for twin, weight in zip(twins, weights, strict=True):
        twin.data.copy_(weight.data)
    restore_optimizer(resumed, {name: value.clone() for name, value in flatten_optimizer(optimizer).items()})
    for parameters, opt in ((weights, optimizer), (twins, resumed)):
        for step in range(3, 6):
            give_gradients(parameters, step)
            opt.step()
    assert all(map(torch.equal, weights, twins))


def test_faded_means_become_zero() -> None:
    """Denormal numbers would make every later step take ten times as long."""
    weight = nn.Parameter(torch.randn(300))
    optimizer = NativeAdam([weight], lr=1e-3, eps=1e-5, betas=(0.5, 0.5), fused=True)
    weight.grad = torch.randn(300)
    optimizer.step()
    weight.grad = torch.zeros(300)
    for _ in range(140):
        optimizer.step()
    assert all(not optimizer.state[weight][key].any() for key in ("exp_avg", "exp_avg_sq"))
    assert optimizer.state[weight]["step"] == 141


def _double(weights: list[nn.Parameter]) -> None:
    weights[0].data = weights[0].data.double()


def _transposed(weights: list[nn.Parameter]) -> None:
    weights[3].data = weights[3].data.t().contiguous().t()


@pytest.mark.parametrize(
    ("settings", "change"),
    [({"amsgrad": True}, None), ({"maximize": True}, None), ({}, _double), ({}, _transposed)],
    ids=["amsgrad", "maximize", "double", "not contiguous"],
)
def test_the_rest_is_left_to_torch(
    settings: dict[str, Any], change: Callable[[list[nn.Parameter]], None] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clipped and stepped as torch does it, to the byte."""
    monkeypatch.delattr(native_adam._kernels, "adam_step")
    results: list[list[Tensor]] = []
    for kind in PAIRS["adam"]:
        weights, optimizer = make(kind, **settings)
        if change is not None:
            change(weights)
        norm: Tensor | None = None
        for step in range(3):
            give_gradients(weights, step)
            for weight in weights:
                weight.grad = None if weight.grad is None else torch.empty_like(weight.data).copy_(weight.grad)
            norm = clip_and_step(optimizer, weights, 0.5)
        assert norm is not None
        results.append([weight.detach() for weight in weights] + [norm])
    assert all(map(torch.equal, *results))


def test_a_closure_is_called_with_gradients_on() -> None:
    weight = nn.Parameter(torch.ones(3))
    optimizer = NativeAdam([weight], lr=0.1, fused=True)

    def closure() -> Tensor:
        loss = weight.square().sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 3.0
    assert (weight < 1).all()
