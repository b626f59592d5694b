"""Memory that runs out is told in settings: which to lower, and to what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.checkpoint.trainer_state import TrainerStateStore
from metta.common.errors import CheckpointError, MemoryLimitError
from metta.common.run_dir import RunDir
from metta.rl.out_of_memory import MemoryGuard, Sizes, advice, free_bytes, is_out_of_memory, tried_bytes
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig

GIB = 1 << 30
TRAINER = TrainerConfig(batch_size=24_576, minibatch_size=6_144, bptt_horizon=32)
SIZES = Sizes(TRAINER, num_envs=16, num_rows=384, architecture={"type": "vit", "latent_dim": 1_000_000, "layers": 2})
CUDA = (
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 139.81 GiB of which 1.00 GiB is free"
)


def real_torch_error() -> None:
    torch.empty(1 << 50)


def real_numpy_error() -> None:
    np.empty(1 << 50)


def real_overflow() -> None:
    torch.nn.Linear(1 << 32, 1 << 31)


@pytest.mark.parametrize(
    ("fail", "tried"), [(real_torch_error, 1 << 52), (real_numpy_error, 8 << 50), (real_overflow, 0)]
)
def test_real_failures_are_known(fail: Callable[[], None], tried: int) -> None:
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        fail()
    assert is_out_of_memory(caught.value)
    assert tried_bytes(caught.value) == tried


def test_what_a_gpu_says_is_known() -> None:
    error = torch.OutOfMemoryError(CUDA)
    assert is_out_of_memory(error)
    assert tried_bytes(error) == int(2.5 * GIB)


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2 shapes"), ValueError("out of memory"), CheckpointError("out of memory")]
)
def test_other_errors_are_left_alone(error: Exception) -> None:
    assert not is_out_of_memory(error)
    with pytest.raises(type(error)) as caught, MemoryGuard(SIZES):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("place", "tried", "free", "expected"),
    [
        ("update", 0, GIB, ["trainer.minibatch_size from 6144 to 3072"]),
        ("update", 4 * GIB, GIB, ["trainer.minibatch_size from 6144 to 1536"]),
        ("experience", 0, GIB, ["trainer.batch_size from 24576 to 12288"]),
        ("experience", 8 * GIB, GIB, ["trainer.batch_size from 24576 to 12288"]),  # each of 384 rows needs a segment
        ("environments", 4 * GIB, GIB, ["training_env.num_envs from 16 to 4"]),
        ("rollout", 0, GIB, ["training_env.num_envs from 16 to 8"]),
        ("network", 512 * GIB, 8 * GIB, ["policy_architecture.latent_dim from 1000000 to 2048"]),
        ("network", 0, 8 * GIB, ["policy_architecture.latent_dim from 1000000 to 16384"]),
    ],
)
def test_advice(place: str, tried: int, free: int, expected: list[str]) -> None:
    assert advice(place, SIZES, tried, free) == expected


@pytest.mark.parametrize("place", ["update", "experience", "environments"])
def test_what_is_advised_is_taken(place: str) -> None:
    """The new sizes are valid for the same rows; of environments, for fewer rows."""
    (text,) = advice(place, SIZES, 3 * GIB, GIB)
    changes = {key: int(new) for key, _, _, _, new in (part.split(" ") for part in text.split(" and "))}
    envs = changes.pop("training_env.num_envs", 16)
    config = TRAINER.replace({key.removeprefix("trainer."): value for key, value in changes.items()})
    config.check_rows(384 // 16 * envs)


def test_where_nothing_is_left_to_halve_the_next_setting_is_named() -> None:
    small = Sizes(TrainerConfig(batch_size=32, minibatch_size=32, bptt_horizon=32), 1, 1, {"hidden_sizes": (8,)})
    assert advice("experience", small, 0, GIB) == ["a smaller policy_architecture"]
    assert advice("update", small, 0, GIB) == ["a smaller policy_architecture"]


def test_free_memory_respects_the_process_limit() -> None:
    assert 0 < free_bytes(torch.device("cpu")) < 1 << 40


@pytest.fixture
def trainer(corridor: Callable[..., Any], small: TrainerConfig, tmp_path: Path) -> Trainer:
    env, run_dir = corridor(4), RunDir.at(tmp_path, "demo").create()
    policy = build_policy(MlpConfig(hidden_sizes=(8,)), env.spec, seed=3)
    return Trainer(small, env, policy, run_dir, state_store=TrainerStateStore(run_dir), commit_interval=100)


@pytest.mark.parametrize("fail", [real_torch_error, real_numpy_error, real_overflow])
def test_in_the_middle_of_a_training_the_state_is_saved_and_the_setting_named(
    fail: Callable[[], None], trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, steps = trainer.optimizer.step, [0]

    def fail_in_the_third_epoch(*_: Any) -> None:
        steps[0] += 1
        if trainer.state.epoch == 2:
            fail()
        step()

    monkeypatch.setattr(trainer.optimizer, "step", fail_in_the_third_epoch)
    sizes = Sizes(trainer.config, 4, 4, {"type": "mlp"})
    guard = MemoryGuard(sizes)
    guard.trainer = trainer
    with pytest.raises(MemoryLimitError, match="out of memory while learning from a minibatch") as caught, guard:
        trainer.train()
    text = str(caught.value)
    assert "trainer.minibatch_size from 16 to 8" in text
    assert "weights, gradients and optimizer" in text
    assert "(trainer.batch_size=64)" in text
    assert "under another run= name" in text
    assert caught.value.exit_code == 1
    assert trainer.state_store is not None
    assert trainer.state_store.newest_epoch() == 2
    assert all(parameter.grad is None for parameter in trainer.policy.parameters()), "room for saving"
