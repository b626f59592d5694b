"""What is in force, as rows and as words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metta.agent.control.training_control import TrainingControl
from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.rl.control.report import control_metrics, summary
from metta.rl.optim import build_optimizer
from metta.rl.trainer_config import OptimizerConfig


def test_rows_say_what_holds_for_each_component(corridor: Callable[..., Any]) -> None:
    policy = build_policy(MlpConfig(hidden_sizes=(8,), shared_trunk=True), corridor(2).spec, seed=0)
    optimizer = build_optimizer(OptimizerConfig(learning_rate=0.1), policy)
    policy.apply_control(
        TrainingControl(
            frozen_components=("trunk",),
            gradient_clip={"actor": 0.5},
            gradient_accumulation={"critic": 4},
            eval_mode_components=("actor",),
        )
    )
    rows = control_metrics(policy, optimizer, {"actor": 2.0})
    assert rows == {
        "control/trunk/lr": 0.1,
        "control/trunk/frozen": 1.0,
        "control/actor/lr": 0.1,
        "control/actor/frozen": 0.0,
        "control/actor/grad_norm": 2.0,
        "control/actor/clip": 0.5,
        "control/actor/eval": 1.0,
        "control/critic/lr": 0.1,
        "control/critic/frozen": 0.0,
        "control/critic/accumulation": 4.0,
    }


def test_a_control_reads_as_it_would_be_typed() -> None:
    control = TrainingControl(
        component_lr={"policy": 1e-5, "critic": None}, eval_mode_components=(), output_clipping={"logits": (-1.0, 1.0)}
    )
    assert summary(control.stated()) == (
        "component_lr.policy=1e-05 component_lr.critic=null eval_mode_components=[] output_clipping.logits=[-1.0,1.0]"
    )
    assert summary({"output_clipping": {}}) == "output_clipping={}"
