from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.common.errors import NotANumberError
from metta.common.run_dir import RunDir
from metta.rl.diagnosis import save_diagnosis
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig


def test_it_tells_which_numbers_are_broken(corridor: Callable[..., Any], small: TrainerConfig, tmp_path: Path) -> None:
    env = corridor(4)
    policy = build_policy(MlpConfig(hidden_sizes=(8,)), env.spec, seed=0)
    trainer = Trainer(small, env, policy, RunDir.at(tmp_path, "demo").create())
    trainer.train_epoch()
    name, weight = next(iter(policy.named_parameters()))
    with torch.no_grad():
        weight.view(-1)[:3] = torch.tensor([float("nan"), float("inf"), 2.0])
    report = json.loads(save_diagnosis(trainer.context, NotANumberError("weights broke")).read_text())
    assert report["error"] == "weights broke"
    assert report["weights"][name]["not_finite"] == 2
    assert report["weights"][name]["max"] >= 2.0
    assert report["gradients"][name]["shape"] == list(weight.shape)
    assert report["experience"]["rewards"]["not_finite"] == 0
    assert report["agent_step"] == 64
