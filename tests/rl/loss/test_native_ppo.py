"""The native passes against torch's operators, which other dtypes and devices take."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from metta.rl.loss.native_ppo import normalized, runs_natively
from metta.rl.loss.ppo_actor import PPOActorLoss
from metta.rl.loss.ppo_actor_config import PPOActorConfig
from metta.rl.loss.ppo_critic import PPOCriticLoss
from metta.rl.loss.ppo_critic_config import PPOCriticConfig
from metta.rl.objective import normalize

Tensors = dict[str, Tensor]


def numbers(seed: int, size: int, share: float) -> tuple[Tensors, Tensors]:
    """A minibatch of one segment and a policy's output, in ``float64`` as ``float32`` holds them."""
    rng = torch.Generator().manual_seed(seed)
    old, new, advantages, entropy, values, old_values, returns = torch.randn(7, 1, size, generator=rng).double()
    batch = {"act_log_prob": old - 1, "advantages": advantages, "values": old_values, "returns": returns}
    batch["valid"] = torch.rand(1, size, generator=rng) < share
    return batch, {"act_log_prob": old - 1 + new / 4, "entropy": entropy.abs(), "values": values}


def single(tensors: Tensors) -> Tensors:
    return {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}


def learning(tensors: Tensors) -> Tensors:
    return {key: tensor.clone().requires_grad_() for key, tensor in tensors.items()}


@pytest.mark.parametrize("clip_vloss", [True, False])
@given(
    seed=st.integers(0, 2**16),
    size=st.integers(1, 1500),
    share=st.sampled_from([0.0, 0.6, 1.0]),
    clip=st.floats(0.01, 0.9),
)
def test_losses_metrics_and_gradients_equal_those_of_torch(
    clip_vloss: bool, seed: int, size: int, share: float, clip: float
) -> None:
    batch, output = numbers(seed, size, share)
    actor = PPOActorLoss(PPOActorConfig(clip_coef=clip, ent_coef=0.3))
    critic = PPOCriticLoss(PPOCriticConfig(clip_vloss=clip_vloss, vf_clip_coef=clip, vf_coef=0.7))
    slow, fast = learning(output), learning(single(output))
    for loss in (actor, critic):
        expected, found = loss(batch, slow), loss(single(batch), fast)
        (3 * expected.loss).backward()
        (3 * found.loss).backward()
        assert found.loss.item() == pytest.approx(expected.loss.item(), rel=1e-4, abs=1e-5)
        assert list(found.metrics) == list(expected.metrics)
        for key, value in expected.metrics.items():
            assert found.metrics[key].item() == pytest.approx(value.item(), rel=1e-4, abs=2e-3 / size + 1e-6)
    for key in ("act_log_prob", "entropy", "values"):
        found, expected = fast[key].grad, slow[key].grad
        assert found is not None
        assert expected is not None
        # At the edge of the clip range rounding may take the other side: one step's whole gradient.
        different = ~torch.isclose(found.double(), expected, rtol=1e-4, atol=1e-6)
        assert int(different.sum()) <= size // 500


@given(seed=st.integers(0, 2**16), size=st.integers(1, 2000), share=st.sampled_from([0.0, 0.5, 1.0]))
def test_normalised_advantages_equal_those_of_torch(seed: int, size: int, share: float) -> None:
    batch, _ = numbers(seed, size, share)
    found = normalized(batch["advantages"].float() + 30, batch["valid"])
    if int(batch["valid"].sum()) > 1:
        torch.testing.assert_close(found.double(), normalize(batch["advantages"], batch["valid"]), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("key", ["act_log_prob", "advantages", "returns", "values"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_reaches_the_loss(key: str, bad: float) -> None:
    """The trainer looks for it there; a comparison that hides it would train on."""
    batch, output = (single(tensors) for tensors in numbers(0, 40, 1.0))
    where = output if key in output else batch
    where[key][0, 20] = bad
    losses = PPOActorLoss(PPOActorConfig())(batch, output).loss, PPOCriticLoss(PPOCriticConfig())(batch, output).loss
    assert not torch.stack(losses).isfinite().all()


def test_a_hopeless_ratio_is_infinite_and_not_wrong() -> None:
    batch, output = (single(tensors) for tensors in numbers(0, 4, 1.0))
    output["act_log_prob"] = batch["act_log_prob"] + torch.tensor([[200.0, -200.0, 50.0, 0.0]])
    batch["advantages"] = -torch.ones(1, 4)
    metrics = PPOActorLoss(PPOActorConfig())(batch, output).metrics
    assert metrics["importance"] == float("inf")
    assert metrics["policy_loss"] == float("inf")


def test_only_float32_on_the_cpu_runs_natively() -> None:
    assert runs_natively(torch.zeros(1), torch.zeros(2))
    assert not runs_natively(torch.zeros(1), torch.zeros(1).double())
    assert not runs_natively(torch.zeros(1, device="meta"))
