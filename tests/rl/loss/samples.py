"""Rollouts made of random numbers with every kind of end, and what every loss's training has to keep to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from metta.rl.trainer import Trainer

Tensors = dict[str, Tensor]
MakeTrainer = Callable[..., Trainer]
ONLY: Mapping[str, Any] = {"ppo_actor": {"enabled": False}, "ppo_critic": {"enabled": False}}
"""Losses without those of PPO."""


def random_batch(seed: int = 0, segments: int = 3, horizon: int = 6) -> tuple[Tensors, Tensors]:
    """A minibatch and a policy's output on it: after an end comes an ignored step, then a first one."""
    rng = torch.Generator().manual_seed(seed)
    shape = (segments, horizon)
    numbers = torch.randn(8, *shape, generator=rng)
    batch: Tensors = {
        "act_log_prob": 0.3 * numbers[0] - 1,
        "rewards": numbers[1],
        "values": numbers[2],
        "next_values": numbers[3],
        "advantages": numbers[4],
        "returns": numbers[5],
        "action": torch.randint(0, 3, shape, generator=rng),
        **{key: torch.zeros(shape, dtype=torch.bool) for key in ("terminated", "truncated", "first")},
        "valid": torch.ones(shape, dtype=torch.bool),
    }
    ends = torch.rand(shape, generator=rng) < 0.3
    for row in range(segments):
        for t in range(horizon):
            if t and bool(batch["first"][row, t - 1] | batch["valid"][row, t - 1]) and bool(ends[row, t]):
                kind = "terminated" if (row + t) % 2 else "truncated"
                if bool(batch["valid"][row, t]):
                    batch[kind][row, t] = True
                    batch["next_values"][row, t] *= kind == "truncated"
                    if t + 1 < horizon:
                        batch["valid"][row, t + 1], batch["rewards"][row, t + 1] = False, 0.0
                    if t + 2 < horizon:
                        batch["first"][row, t + 2] = True
    output = {
        "act_log_prob": batch["act_log_prob"] + 0.4 * numbers[6],
        "values": numbers[7].clone(),
        "entropy": numbers[0].abs(),
    }
    output["core"] = torch.randn(*shape, 8, generator=rng)
    return batch, {key: tensor.requires_grad_() for key, tensor in output.items()}


def check_training(make: MakeTrainer, losses: Mapping[str, Any], policy: Any = None) -> list[dict[str, float]]:
    """Train for four epochs; a training that is loaded after two of them must end with the same bytes."""
    whole, other = make(losses, policy), make(losses, policy)
    metrics = [dict(whole.train_epoch().metrics) for _ in range(2)]
    middle = whole.state_dict()
    metrics += [dict(whole.train_epoch().metrics) for _ in range(2)]
    other.train_epoch()  # what was there must be gone after loading
    other.load_state(middle)
    again = [dict(other.train_epoch().metrics) for _ in range(2)]
    assert again == metrics[2:]
    end, same = whole.state_dict().tensors, other.state_dict().tensors
    assert sorted(end) == sorted(same)
    for key, value in end.items():
        if isinstance(value, Tensor):
            assert torch.equal(value, torch.as_tensor(same[key])), key
    start = dict(make(losses, policy).policy.state_dict())
    assert any(not torch.equal(start[key], value) for key, value in whole.policy.state_dict().items()), "nothing moved"
    return metrics


def grad_of(tensor: Tensor) -> Tensor:
    """The gradient that ``tensor`` got; zeros where it got none."""
    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad


def later_steps(batch: Tensors, s: int, t: int) -> int:
    """How many later observations of step ``t``'s episode its segment holds, counted one by one."""
    horizon = batch["valid"].shape[1]
    if not batch["valid"][s, t]:
        return 0
    count = 0
    while t + count + 1 < horizon:
        ended = bool(batch["terminated"][s, t + count] | batch["truncated"][s, t + count])
        count += 1
        if ended:
            break
    return count
