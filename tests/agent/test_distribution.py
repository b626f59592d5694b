"""MaskedCategorical against its definition."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metta.agent.distribution import MaskedCategorical, choose_actions, weigh_actions
from metta.common import _kernels


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


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 7, 16, 37]), st.booleans())
def test_native_choice_is_that_of_the_distribution(seed: int, actions: int, masked: bool) -> None:
    """Same draws, same actions; a draw on the border between two may fall either way by rounding."""
    logits, mask = random_case(seed, rows=200, actions=actions)
    mask = mask if masked else None
    action, log_prob = choose_actions(logits, mask, torch.Generator().manual_seed(seed))
    dist = MaskedCategorical(logits, mask)
    torch.testing.assert_close(log_prob, dist.log_prob(action), rtol=1e-5, atol=1e-5)
    assert mask is None or mask.gather(1, action[:, None]).all()
    assert (action != dist.sample(torch.Generator().manual_seed(seed))).sum() <= 1


def test_native_choice_with_draws_at_the_ends() -> None:
    logits = torch.tensor([[-200.0, 0.0, 0.0, -200.0]]).repeat(2, 1).numpy()
    draws = torch.tensor([0.0, 1 - 2**-24]).numpy()
    action, log_prob = torch.empty(2, dtype=torch.int64), torch.empty(2)
    _kernels.sample_actions(logits, None, draws, action.numpy(), log_prob.numpy())
    assert action.tolist() == [1, 2]
    torch.testing.assert_close(log_prob, torch.full((2,), 0.5).log())


def test_greedy_choice_draws_nothing() -> None:
    logits, mask = random_case(4)
    generator = torch.Generator().manual_seed(0)
    state = generator.get_state()
    action, _ = choose_actions(logits, mask, generator, greedy=True)
    assert torch.equal(action, MaskedCategorical(logits, mask).mode())
    assert torch.equal(generator.get_state(), state)


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


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("actions", [1, 7, 37])
def test_native_weighing_is_that_of_the_distribution(actions: int, masked: bool) -> None:
    """Values and gradients, in three dimensions; a recorded action may be masked out where it was ignored."""
    logits, mask = random_case(1, rows=60, actions=actions)
    logits, allowed = logits.view(5, 12, actions), mask.view(5, 12, actions) if masked else None
    generator = torch.Generator().manual_seed(0)
    action = MaskedCategorical(logits, allowed).sample(generator)
    factors = torch.randn(2, 5, 12, generator=generator)
    found: list[list[torch.Tensor]] = []
    for native in (True, False):
        leaf = logits.clone().requires_grad_()
        dist = MaskedCategorical(leaf, allowed)
        outputs = weigh_actions(leaf, allowed, action) if native else (dist.log_prob(action), dist.entropy())
        (outputs[0] * factors[0] + outputs[1] * factors[1]).sum().backward()
        assert leaf.grad is not None
        found.append([*(output.detach() for output in outputs), leaf.grad])
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=2e-6)


def test_weighing_does_not_depend_on_threads_and_refuses_unknown_actions() -> None:
    logits, mask = random_case(2, rows=5000)
    action = MaskedCategorical(logits, mask).mode().numpy()
    found: list[bytes] = []
    for threads in (1, 3):
        out = (torch.empty(logits.shape).numpy(), torch.empty(5000).numpy(), torch.empty(5000).numpy())
        _kernels.categorical_forward(logits.numpy(), mask.numpy(), action, *out, threads)
        grad = torch.empty(logits.shape).numpy()
        _kernels.categorical_backward(out[0], mask.numpy(), action, out[2], out[1], out[2], grad, threads)
        found.append(b"".join(array.tobytes() for array in (*out, grad)))
    assert found[0] == found[1]
    with pytest.raises(ValueError, match=r"actions: 7 is not in 0 \.\. 6"):
        weigh_actions(logits, mask, torch.full((5000,), 7))


def test_what_is_not_a_number_stays_visible() -> None:
    logits = torch.zeros(2, 3)
    logits[1, 2] = float("nan")
    chosen, entropy = weigh_actions(logits, None, torch.tensor([0, 2]))
    assert chosen.isnan().tolist() == entropy.isnan().tolist() == [False, True]
