"""MaskedCategorical against its definition."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metta.agent.distribution import MaskedCategorical


def random_case(seed: int, rows: int = 64, actions: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(rows, actions, generator=generator) < 0.5
    mask[torch.arange(rows), torch.randint(0, actions, (rows,), generator=generator)] = True
    return 5 * torch.randn(rows, actions, generator=generator), mask


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_masked_actions_are_never_chosen(seed: int) -> None:
    logits, mask = random_case(seed)
    dist = MaskedCategorical(logits, mask)
    for action in (dist.sample(torch.Generator().manual_seed(seed)), dist.mode()):
        assert mask.gather(1, action[:, None]).all()
        assert dist.log_prob(action).isfinite().all()


def test_equals_torch_on_the_allowed_actions() -> None:
    logits, mask = random_case(0)
    dist = MaskedCategorical(logits, mask)
    for row in range(8):
        allowed = mask[row].nonzero().squeeze(1)
        reference = torch.distributions.Categorical(logits=logits[row, allowed])
        torch.testing.assert_close(dist.log_probs[row, allowed], reference.logits)
        torch.testing.assert_close(dist.entropy()[row], reference.entropy())


def test_frequencies_follow_probabilities() -> None:
    logits = torch.tensor([0.1, 0.2, 0.0, 0.7]).log().expand(40_000, 4)
    action = MaskedCategorical(logits).sample(torch.Generator().manual_seed(3))
    frequencies = action.bincount(minlength=4) / 40_000
    torch.testing.assert_close(frequencies, torch.tensor([0.1, 0.2, 0.0, 0.7]), rtol=0, atol=0.01)


def test_same_generator_same_actions_whatever_the_global_one_does() -> None:
    logits, mask = random_case(1)
    torch.manual_seed(0)
    one = MaskedCategorical(logits, mask).sample(torch.Generator().manual_seed(5))
    torch.manual_seed(1)
    assert torch.equal(one, MaskedCategorical(logits, mask).sample(torch.Generator().manual_seed(5)))


def test_gradients_are_finite_and_none_reaches_masked_logits() -> None:
    logits, mask = random_case(2)
    logits[0] = 80 * logits[0]
    logits.requires_grad_()
    dist = MaskedCategorical(logits, mask)
    (dist.log_prob(dist.mode()).sum() + dist.entropy().sum()).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert (logits.grad[~mask] == 0).all()


def test_one_allowed_action_is_certain() -> None:
    dist = MaskedCategorical(torch.randn(3, 4), torch.tensor([[False, False, True, False]]).expand(3, 4))
    assert dist.sample().tolist() == [2, 2, 2]
    assert dist.entropy().tolist() == [0, 0, 0]
