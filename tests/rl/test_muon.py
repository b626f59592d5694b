"""Muon: its step against one written out, who gets it, and who is left alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from metta.rl.muon import MuonWithAdamW, split_hidden
from metta.rl.trainer_snapshot import flatten_optimizer, restore_optimizer
from tests.rl.optimizer_bench import OptimizerBench

MATRIX, TABLE = "network.actor_trunk.layers.1.weight", "network.actor.linear.weight"


def orthogonalized(matrix: Tensor, steps: int) -> Tensor:
    """Newton-Schulz by its definition, one product at a time: s -> 3.4445 s - 4.775 s^3 + 2.0315 s^5."""
    x = matrix.bfloat16()
    x = x if x.shape[0] <= x.shape[1] else x.T
    x = x / x.norm()
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
    return (x if matrix.shape[0] <= matrix.shape[1] else x.T).float()


def test_a_matrix_takes_the_written_out_step() -> None:
    bench = OptimizerBench(type="muon", learning_rate=0.1, weight_decay=0.5, momentum=0.9)
    expected, momentum = bench.weights()[MATRIX], torch.zeros(4, 5)
    for _ in range(3):
        gradient = bench.step()[MATRIX]
        momentum = 0.9 * momentum + 0.1 * gradient
        direction = orthogonalized(0.9 * momentum + 0.1 * gradient, 5)
        expected = expected * (1 - 0.1 * 0.5) - 0.2 * 0.1 * 5**0.5 * direction
        torch.testing.assert_close(bench.weights()[MATRIX], expected, rtol=0, atol=4e-3)  # products in bfloat16


def test_the_step_is_close_to_orthogonal() -> None:
    """All singular values of the step lie between about 0.7 and 1.2 times the learning rate's size."""
    bench = OptimizerBench(type="muon", learning_rate=1.0)
    before = bench.weights()[MATRIX]
    bench.step()
    sizes = torch.linalg.svdvals((before - bench.weights()[MATRIX]) / (0.2 * 5**0.5))
    assert 0.5 < sizes.min() < sizes.max() < 1.3


def test_heads_and_vectors_take_the_step_of_adamw() -> None:
    settings: dict[str, Any] = {"learning_rate": 0.01, "weight_decay": 0.1}
    muon, adamw = OptimizerBench(type="muon", **settings), OptimizerBench(type="adamw", **settings)
    for _ in range(3):
        muon.step()
        adamw.step()
    left, right = muon.weights(), adamw.weights()
    same = {name for name in left if torch.equal(left[name], right[name])}
    assert {name for name in left if name not in same} == {
        name for name in left if "trunk" in name and "weight" in name
    }


def test_what_counts_as_a_hidden_matrix() -> None:
    module = nn.ModuleList(
        [nn.Linear(3, 2), nn.Linear(3, 1), nn.Embedding(4, 3), nn.Conv2d(1, 2, 2), nn.LSTMCell(3, 2)]
    )
    names = {weight: name for name, weight in module.named_parameters()}
    hidden, rest = split_hidden(module, list(module.parameters()))
    assert [names[weight] for weight in hidden] == ["0.weight", "4.weight_ih", "4.weight_hh"]
    assert {*hidden, *rest} == set(module.parameters())


def test_a_component_without_gradient_stays_and_keeps_its_momentum() -> None:
    bench = OptimizerBench(type="muon", weight_decay=0.3)
    bench.step()
    before, state = bench.weights(), flatten_optimizer(bench.optimizer)
    state = {name: tensor.clone() for name, tensor in state.items()}
    bench.step(without="actor_trunk")
    after, later = bench.weights(), flatten_optimizer(bench.optimizer)
    kept = {name for name in before if torch.equal(before[name], after[name])}
    assert kept == {name for name in before if "actor_trunk" in name}
    mine = [str(i) for i, weight in enumerate(ordered(bench)) if "actor_trunk" in bench.names[weight]]
    for name in state:
        assert torch.equal(state[name], later[name]) == (name.partition("/")[0] in mine)


def test_a_restored_state_takes_the_same_steps() -> None:
    whole, cut = OptimizerBench(type="muon"), OptimizerBench(type="muon")
    for _ in range(2):
        whole.step()
        cut.step()
    again = OptimizerBench(seed=9, type="muon")
    again.policy.load_state_dict(cut.policy.state_dict())
    restore_optimizer(again.optimizer, flatten_optimizer(cut.optimizer))
    again.noise = cut.noise
    for _ in range(2):
        whole.step()
        again.step()
    assert all(torch.equal(weight, again.weights()[name]) for name, weight in whole.weights().items())


def test_a_changed_rate_reaches_both_parts_also_after_loading() -> None:
    bench = OptimizerBench(type="muon")
    bench.step()
    restore_optimizer(bench.optimizer, flatten_optimizer(bench.optimizer))
    for group in bench.optimizer.param_groups:
        group["lr"] = 0.0
    before = bench.weights()
    bench.step()
    assert all(torch.equal(weight, bench.weights()[name]) for name, weight in before.items())


def ordered(bench: OptimizerBench) -> list[nn.Parameter]:
    assert isinstance(bench.optimizer, MuonWithAdamW)
    return [weight for group in bench.optimizer.param_groups for weight in group["params"]]
