"""Schedule-free AdamW: its three sequences written out, and what frozen, saved and playing weights are."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.common.errors import ConfigError
from metta.rl.optim import build_optimizer
from metta.rl.optim_config import OptimizerConfig
from metta.rl.trainer_snapshot import flatten_optimizer, restore_optimizer
from tests.rl.optimizer_bench import SPEC, OptimizerBench

KIND: dict[str, Any] = {"type": "adamw_schedulefree"}
WEIGHT = "network.actor.linear.weight"


def test_the_three_sequences() -> None:
    """arXiv:2405.15682 algorithm 1 with the average kept as such, and a rate that rises over two steps."""
    settings = {"learning_rate": 0.1, "beta1": 0.8, "beta2": 0.9, "eps": 1e-3, "weight_decay": 0.2, "warmup_steps": 2}
    bench = OptimizerBench(**KIND, **settings)
    x = bench.weights()[WEIGHT].double()
    z, v, total = x.clone(), torch.zeros_like(x), 0.0
    for step in range(1, 6):
        gradient = bench.step()[WEIGHT].double()
        rate = 0.1 * min(1.0, step / 2)
        y = 0.2 * z + 0.8 * x
        v = 0.9 * v + 0.1 * gradient.square()
        z = z - rate * (gradient / ((v / (1 - 0.9**step)).sqrt() + 1e-3) + 0.2 * y)
        total += rate**2
        share = rate**2 / total
        x = (1 - share) * x + share * z
        torch.testing.assert_close(bench.weights()[WEIGHT].double(), x, rtol=0, atol=1e-5)


def test_gradients_are_taken_elsewhere_than_the_policy_plays() -> None:
    bench = OptimizerBench(**KIND, learning_rate=0.1)
    for _ in range(3):
        bench.step()
    plays = bench.weights()[WEIGHT]
    with bench.optimizer.training():  # pyright: ignore[reportAttributeAccessIssue]
        learns = bench.weights()[WEIGHT]
    assert not torch.allclose(plays, learns)
    torch.testing.assert_close(bench.weights()[WEIGHT], plays)


def test_an_error_leaves_the_weights_that_play() -> None:
    bench = OptimizerBench(**KIND)
    with pytest.raises(ValueError, match="stop"), bench.optimizer.training():  # pyright: ignore[reportAttributeAccessIssue]
        raise ValueError("stop")
    assert not bench.optimizer.param_groups[0]["train_mode"]


def test_a_frozen_component_stays_to_the_byte_and_counts_no_step() -> None:
    bench = OptimizerBench(**KIND, weight_decay=0.1)
    for _ in range(2):
        bench.step()
    before, state = bench.weights(), {name: one.clone() for name, one in flatten_optimizer(bench.optimizer).items()}
    for _ in range(3):
        bench.step(without="critic")
    after, later = bench.weights(), flatten_optimizer(bench.optimizer)
    assert {name for name in before if torch.equal(before[name], after[name])} == {n for n in before if "critic" in n}
    names = [group["name"] for group in bench.optimizer.param_groups]
    for number, name in enumerate(names):
        steps = later[f"groups/{number}/k"] - state[f"groups/{number}/k"]
        assert steps == (0 if "critic" in name else 3)


def test_a_restored_state_takes_the_same_steps() -> None:
    whole, cut = OptimizerBench(**KIND, warmup_steps=3), OptimizerBench(**KIND, warmup_steps=3)
    for _ in range(2):
        whole.step()
        cut.step()
    again = OptimizerBench(seed=9, **KIND, warmup_steps=3)
    again.policy.load_state_dict(cut.policy.state_dict())
    restore_optimizer(again.optimizer, flatten_optimizer(cut.optimizer))
    again.noise = cut.noise
    for _ in range(2):
        whole.step()
        again.step()
    assert all(torch.equal(weight, again.weights()[name]) for name, weight in whole.weights().items())
    one, two = flatten_optimizer(whole.optimizer), flatten_optimizer(again.optimizer)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_clipped_weights_are_refused() -> None:
    policy = build_policy(MlpConfig(clip_range=0.5), SPEC, seed=0)
    with pytest.raises(ConfigError, match=r"clip_range=0\.5"):
        build_optimizer(OptimizerConfig(**KIND), policy)
