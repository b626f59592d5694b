"""Axon: damped rotations."""

from __future__ import annotations

import torch

from metta.agent.components.axon import Axon


def test_eigenvalues_start_in_the_ring_and_never_leave_the_disc() -> None:
    torch.manual_seed(0)
    axon = Axon(4, 64, min_radius=0.6, max_radius=0.9)
    radii = (-axon.log_decay.exp()).exp()
    assert radii.min() >= 0.6 - 1e-6
    assert radii.max() <= 0.9 + 1e-6
    assert ((-torch.tensor([-5.0, 5.0]).exp()).exp() <= 1).all()  # any parameter: no explosion


def test_state_is_a_sum_of_rotated_inputs() -> None:
    torch.manual_seed(1)
    axon, x = Axon(4, 6), torch.randn(2, 5, 4)
    first = torch.zeros(2, 5, dtype=torch.bool)
    _, state = axon.run(x, first, axon.initial_state(2))
    turn = torch.polar((-axon.log_decay.exp()).exp(), axon.log_phase.exp())
    written = torch.view_as_complex(axon.write(x).unflatten(-1, (6, 2)).contiguous()) * axon.log_scale.exp()
    expected = sum(written[:, t] * turn ** (4 - t) for t in range(5))
    assert isinstance(expected, torch.Tensor)
    torch.testing.assert_close(torch.view_as_complex(state["h"].contiguous()), expected, rtol=1e-4, atol=1e-5)


def test_memory_is_declared() -> None:
    assert Axon(4, 6).memory_shapes == {"axon_h": (6, 2)}
