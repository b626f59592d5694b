"""Sums and values along the time of a segment, by hand."""

from __future__ import annotations

import torch

from metta.rl.loss.segments import ended, following_values, log_ratio, shifted, steps_ahead, sums_to_come
from tests.rl.loss.samples import later_steps, random_batch


def test_sums_to_come_equal_the_loop_and_pass_gradients() -> None:
    rng = torch.Generator().manual_seed(0)
    terms, decay = torch.randn(2, 3, 5, generator=rng)
    terms.requires_grad_()
    expected, later = [], torch.zeros(3)
    for t in reversed(range(5)):
        later = terms[:, t] + decay[:, t] * later
        expected.insert(0, later)
    result = sums_to_come(terms, decay)
    torch.testing.assert_close(result, torch.stack(expected, dim=1))
    result[:, 0].sum().backward()
    assert terms.grad is not None
    torch.testing.assert_close(terms.grad[:, 2], decay[:, 0] * decay[:, 1])


def test_what_follows_a_step() -> None:
    """Step 0 goes on, step 1 was truncated (column 2 is its final observation), step 3 terminated, the last goes on."""
    values = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]])
    no = torch.zeros(1, 5, dtype=torch.bool)
    batch = {"next_values": torch.full((1, 5), 9.0), "terminated": no.clone(), "truncated": no.clone(), "valid": ~no}
    batch["truncated"][0, 1] = batch["terminated"][0, 3] = True
    assert following_values(values, batch).tolist() == [[2.0, 3.0, 4.0, 0.0, 9.0]]
    assert ended(batch).tolist() == [[False, True, False, True, False]]


def test_ignored_steps_have_ratio_one_whatever_was_written() -> None:
    batch = {"act_log_prob": torch.zeros(1, 2), "valid": torch.tensor([[True, False]])}
    new = torch.tensor([[0.5, float("inf")]], requires_grad=True)
    ratio = log_ratio(batch, {"act_log_prob": new})
    assert ratio.tolist() == [[0.5, 0.0]]
    ratio.exp().sum().backward()
    assert new.grad is not None
    assert new.grad[0, 1] == 0


def test_steps_ahead_are_those_of_the_episode_and_the_segment() -> None:
    total = 0
    for seed in range(5):
        batch, _ = random_batch(seed, segments=4, horizon=8)
        counts = steps_ahead(batch)
        expected = [[later_steps(batch, s, t) for t in range(8)] for s in range(4)]
        assert counts.tolist() == expected
        total += int(batch["terminated"].sum() + batch["truncated"].sum())
    assert total > 10


def test_shifted() -> None:
    values = torch.tensor([[1, 2, 3]])
    assert [shifted(values, k).tolist() for k in (0, 1, 3, 9)] == [[[1, 2, 3]], [[2, 3, 0]], [[0, 0, 0]], [[0, 0, 0]]]
