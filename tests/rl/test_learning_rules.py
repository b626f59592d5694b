"""Each learning rule in a whole training: it does something, and a resumed training equals an undisturbed one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.checkpoint.trainer_state import TrainerStateStore
from metta.common.run_dir import RunDir
from metta.rl.hooks.base import TrainerHook
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig

RULES: dict[str, dict[str, Any]] = {
    "muon": {"optimizer.type": "muon", "optimizer.weight_decay": 0.01},
    "schedule-free": {"optimizer.type": "adamw_schedulefree", "optimizer.warmup_steps": 5},
    "prioritized": {"sampling.method": "prioritized"},
    "rewards": {"rewards.centering.enabled": True, "rewards.normalization.enabled": True, "rewards.clip": 5.0},
    "bf16": {"precision": "bf16"},
    "passes": {"target_kl": 1e-4, "update_epochs_autotune.evaluation_epochs": 1},
}


class Told(TrainerHook):
    name = "told"

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_epoch_end(self, ctx: Any, stats: Any) -> None:
        self.rows.append(dict(stats.metrics))


@pytest.fixture
def make(corridor: Callable[..., Any], small: TrainerConfig, tmp_path: Path) -> Callable[..., tuple[Trainer, Told]]:
    def make(changes: dict[str, Any], seed: int = 3, saves: bool = False) -> tuple[Trainer, Told]:
        env, hook = corridor(4), Told()
        policy = build_policy(MlpConfig(hidden_sizes=(8, 8)), env.spec, seed=seed)
        config = small.replace({"total_timesteps": 64 * 6, **changes})
        run_dir = RunDir.at(tmp_path, "test").create()
        store = TrainerStateStore(run_dir) if saves else None
        return Trainer(config, env, policy, run_dir, (hook,), seed=3, state_store=store, commit_interval=3), hook

    return make


@pytest.mark.parametrize("rule", RULES)
def test_a_resumed_training_equals_an_undisturbed_one(make: Callable[..., tuple[Trainer, Told]], rule: str) -> None:
    plain, _ = make({})
    whole, expected = make(RULES[rule])
    cut, first = make(RULES[rule], saves=True)
    again, rest = make(RULES[rule], seed=99)
    for _ in range(3):
        cut.train_epoch()
    assert cut.state_store is not None
    snapshot = cut.state_store.load_newest()
    assert snapshot is not None
    again.load_state(snapshot)
    for trainer in (plain, whole, again):
        trainer.train()
    assert first.rows + rest.rows == expected.rows
    left, right = whole.state_dict(), again.state_dict()
    assert left.tensors.keys() == right.tensors.keys()
    tensors = {name: torch.as_tensor(value) for name, value in right.tensors.items()}
    assert not [name for name, one in left.tensors.items() if not torch.equal(torch.as_tensor(one), tensors[name])]
    assert left.data == right.data
    weights = zip(whole.policy.parameters(), plain.policy.parameters(), strict=True)
    assert not all(torch.equal(one, other) for one, other in weights), "the rule does something"


def test_bf16_computes_close_to_fp32_and_hands_out_float32(corridor: Callable[..., Any]) -> None:
    policy = build_policy(MlpConfig(hidden_sizes=(32, 32)), corridor(4).spec, seed=0)
    inputs = {
        "env_obs": torch.rand(3, 5, 2, generator=torch.Generator().manual_seed(0)),
        "first": torch.zeros(3, 5, dtype=torch.bool),
        "action": torch.zeros(3, 5, dtype=torch.int64),
    }
    exact = policy.evaluate(inputs)
    policy.precision = "bf16"
    rounded = policy.evaluate(inputs)
    for key, values in exact.items():
        assert rounded[key].dtype is torch.float32
        torch.testing.assert_close(rounded[key], values, rtol=0, atol=0.02)
        assert not torch.equal(rounded[key], values)
    rounded["values"].sum().backward()
    assert all(weight.grad is None or weight.grad.dtype is torch.float32 for weight in policy.parameters())


def test_passes_are_told_and_stopped(make: Callable[..., tuple[Trainer, Told]]) -> None:
    trainer, told = make({"target_kl": 1e-9})
    trainer.train()
    assert {row["losses/update_epochs"] for row in told.rows[:-1]} == {1.0}
    assert told.rows[0]["losses/kl_stopped"] == 1.0


def test_raw_rewards_stay_in_the_metrics(make: Callable[..., tuple[Trainer, Told]]) -> None:
    plain, raw = make({})
    shaped, told = make({"rewards.clip": 1e-3})
    plain.train_epoch()
    shaped.train_epoch()
    for key in ("experience/rewards", "overview/reward"):
        assert told.rows[0].get(key) == pytest.approx(raw.rows[0].get(key), abs=1e-6)
    assert abs(told.rows[0]["experience/shaped_rewards"]) <= 1e-3
    assert told.rows[0]["experience/returns"] != pytest.approx(raw.rows[0]["experience/returns"])
