"""LSTM: one step, whole segments, and resets in the middle are the same recurrence."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metta.agent.components.lstm import LSTM
from metta.common.errors import ShapeContractError


def step_by_step(lstm: LSTM, x: Tensor, first: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The definition: T calls of one step each."""
    outs = []
    for t in range(x.shape[1]):
        td = {"features": x[:, t], "first": first[:, t], "memory/lstm_h": h, "memory/lstm_c": c}
        out = lstm(td)
        outs.append(out["core"])
        h, c = out["next_memory/lstm_h"], out["next_memory/lstm_c"]
    return torch.stack(outs, 1), h, c


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("reset_chance", [0.0, 0.1, 0.6, 1.0])
@pytest.mark.parametrize("horizon", [1, 9])
def test_segments_equal_steps(num_layers: int, reset_chance: float, horizon: int) -> None:
    torch.manual_seed(0)
    lstm, x = LSTM(5, 6, num_layers), torch.randn(4, horizon, 5)
    first = torch.rand(4, horizon) < reset_chance
    h, c = torch.randn(4, num_layers, 6), torch.randn(4, num_layers, 6)
    expected = step_by_step(lstm, x, first, h, c)
    out = lstm({"features": x, "first": first, "memory/lstm_h": h, "memory/lstm_c": c})
    got = (out["core"], out["next_memory/lstm_h"], out["next_memory/lstm_c"])
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_gradients_with_resets_equal_those_of_steps() -> None:
    torch.manual_seed(1)
    lstm, x = LSTM(5, 6), torch.randn(3, 8, 5)
    first = torch.rand(3, 8) < 0.3
    state = {"memory/lstm_h": torch.randn(3, 1, 6), "memory/lstm_c": torch.randn(3, 1, 6)}
    lstm({"features": x, "first": first, **state})["core"].square().sum().backward()
    cut = [parameter.grad.clone() for parameter in lstm.parameters() if parameter.grad is not None]
    lstm.zero_grad()
    step_by_step(lstm, x, first, *state.values())[0].square().sum().backward()
    for one, parameter in zip(cut, lstm.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad, rtol=1e-4, atol=1e-5)


def test_a_first_step_forgets_even_nan() -> None:
    lstm, x = LSTM(5, 6), torch.randn(2, 5)
    bad = torch.full((2, 1, 6), torch.nan)
    clean = torch.zeros(2, 1, 6)
    first = torch.tensor([True, True])
    got = lstm({"features": x, "first": first, "memory/lstm_h": bad, "memory/lstm_c": bad})["core"]
    assert torch.equal(
        got, lstm({"features": x, "first": first, "memory/lstm_h": clean, "memory/lstm_c": clean})["core"]
    )


def test_inputs_stay_as_they_were() -> None:
    lstm, h = LSTM(5, 6), torch.randn(2, 1, 6)
    kept = h.clone()
    lstm({"features": torch.randn(2, 5), "first": torch.ones(2).bool(), "memory/lstm_h": h, "memory/lstm_c": h})
    assert torch.equal(h, kept)


def test_memory_is_declared() -> None:
    assert LSTM(5, 6, 2, memory_name="core").memory_shapes == {"core_h": (2, 6), "core_c": (2, 6)}


def test_mismatched_first_is_refused() -> None:
    state = torch.zeros(2, 1, 6)
    with pytest.raises(ShapeContractError, match=r"got \[2, 3, 5\] with \[2\]"):
        LSTM(5, 6)(
            {
                "features": torch.zeros(2, 3, 5),
                "first": torch.ones(2).bool(),
                "memory/lstm_h": state,
                "memory/lstm_c": state,
            }
        )


def test_few_long_segments_are_run_natively(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is the steps in all, not the segments: torch's way takes five times as long."""
    monkeypatch.setattr("metta.agent.components.lstm.run_fused", None)
    lstm = LSTM(3, 4)
    state = {"h": torch.zeros(2, 1, 4), "c": torch.zeros(2, 1, 4)}
    out, _ = lstm.run(torch.randn(2, 16, 3), torch.zeros(2, 16, dtype=torch.bool), state)
    out.sum().backward()
    assert lstm.lstm.weight_ih_l0.grad is not None
