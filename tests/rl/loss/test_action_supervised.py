"""Learning a teacher's actions against a slow reference, who acts where, and what a resumed run reaches."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from metta.common.errors import CheckpointError, ConfigError
from metta.rl.loss.action_supervised import ActionSupervisedLoss
from metta.rl.loss.action_supervised_config import ActionSupervisedConfig
from metta.rl.loss.ppo_actor import PPOActorLoss
from metta.rl.loss.ppo_actor_config import PPOActorConfig
from metta.rl.schedule import Clock
from metta.rl.trainer import Trainer
from tests.rl.loss.samples import MakeTrainer

KEY = "action_supervised/teacher_action"


def teacher_of(trainer: Trainer) -> Any:
    loss: Any = trainer.objective.losses["action_supervised"]
    (teacher,) = loss.teachers
    return teacher


def random_batch(seed: int = 0) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 4, 5, generator=rng)
    batch = {
        "valid": torch.rand(3, 4, generator=rng) < 0.7,
        KEY: torch.randint(-1, 5, (3, 4), generator=rng),
    }
    output = {"log_probs": logits.log_softmax(-1), "values": torch.randn(3, 4, generator=rng)}
    return batch, {key: tensor.requires_grad_() for key, tensor in output.items()}


def test_loss_equals_the_formula_step_by_step() -> None:
    batch, output = random_batch()
    terms, agreed = [], []
    for i in range(3):
        for j in range(4):
            action = int(batch[KEY][i, j])
            if batch["valid"][i, j] and action >= 0:
                terms.append(-output["log_probs"][i, j, action].item())
                agreed.append(float(int(output["log_probs"][i, j].argmax()) == action))
    result = ActionSupervisedLoss(ActionSupervisedConfig(teacher_uri="mock://noop"))(batch, output)
    assert len(terms) > 3
    assert result.loss.item() == pytest.approx(sum(terms) / len(terms), rel=1e-5)
    assert result.metrics["teacher_nll"].item() == pytest.approx(sum(terms) / len(terms), rel=1e-5)
    assert result.metrics["teacher_agreement"].item() == pytest.approx(sum(agreed) / len(agreed))


def test_gradient_reaches_advised_valid_steps_only() -> None:
    batch, output = random_batch()
    ActionSupervisedLoss(ActionSupervisedConfig(teacher_uri="mock://noop"))(batch, output).loss.backward()
    grad = output["log_probs"].grad
    assert grad is not None
    advised = batch["valid"] & (batch[KEY] >= 0)
    assert torch.equal((grad != 0).any(-1), advised)
    assert (grad.gather(-1, batch[KEY].clamp(min=0).unsqueeze(-1)).squeeze(-1)[advised] < 0).all()
    assert output["values"].grad is None


def test_no_advice_anywhere_costs_nothing() -> None:
    batch, output = random_batch()
    batch[KEY][:] = -1
    result = ActionSupervisedLoss(ActionSupervisedConfig(teacher_uri="mock://noop"))(batch, output)
    assert result.loss.item() == 0
    result.loss.backward()
    assert output["log_probs"].grad is not None
    assert not output["log_probs"].grad.any()


def test_the_policy_acts_and_the_teacher_only_looks_on(
    make_trainer: MakeTrainer, teacher_uris: tuple[str, str]
) -> None:
    """Student-led: the rollout is that of a training without teacher, and its advice is recorded beside it."""
    plain = make_trainer({"action_supervised": {"teacher_uri": "mock://random", "enabled": False}})
    taught = make_trainer({"action_supervised": {"teacher_uri": "mock://random"}})
    for trainer in (plain, taught):
        trainer.train_epoch()
    data = taught.experience.buffer
    assert torch.equal(data["action"], plain.experience.buffer["action"])
    assert "led" not in taught.experience.written_keys
    advice = data[KEY]
    assert (advice >= 0).all()
    assert data["action_mask"].gather(-1, advice.unsqueeze(-1)).all()
    assert (advice != data["action"]).any()


def test_on_led_rows_the_teacher_acts_and_its_action_has_the_policys_probability(
    make_trainer: MakeTrainer, teacher_uris: tuple[str, str]
) -> None:
    loss = {"teacher_uri": "mock://stay", "teacher_led": 0.5}
    trainer = make_trainer({"action_supervised": loss}, **{"optimizer.learning_rate": 1e-30})
    trainer.train_epoch()
    line = trainer.experience.timeline
    assert line("led")[1::2].all(), "of four rows the second and the fourth"
    assert not line("led")[::2].any()
    assert (line("action")[1::2] == 2).all()
    assert torch.equal(line(KEY), torch.full_like(line(KEY), 2))
    data = trainer.experience.buffer
    evaluated = trainer.policy.evaluate(data)  # the weights have hardly moved
    torch.testing.assert_close(evaluated["act_log_prob"], data["act_log_prob"], rtol=1e-4, atol=1e-5)


def test_the_actor_of_ppo_leaves_led_steps_out() -> None:
    rng = torch.Generator().manual_seed(0)
    batch = {key: torch.randn(2, 6, generator=rng) * 0.1 for key in ("act_log_prob", "advantages")}
    batch |= {"valid": torch.ones(2, 6).bool(), "led": torch.rand(2, 6, generator=rng) < 0.5}
    output = {key: torch.randn(2, 6, generator=rng).requires_grad_() for key in ("act_log_prob", "entropy")}
    PPOActorLoss(PPOActorConfig(clip_coef=10))(batch, output).loss.backward()
    for tensor in output.values():
        assert tensor.grad is not None
        assert torch.equal(tensor.grad != 0, ~batch["led"])


def test_what_the_mask_forbids_is_no_advice(make_trainer: MakeTrainer, teacher_uris: tuple[str, str]) -> None:
    """`left` against the wall: the policy acts itself there, and learns nothing."""
    trainer = make_trainer({"action_supervised": {"teacher_uri": "mock://left", "teacher_led": 1.0}})
    trainer.train_epoch()
    data = trainer.experience.buffer
    free = data["action_mask"][..., 0]
    assert torch.equal(data[KEY], torch.where(free, 0, -1))
    assert torch.equal(data["led"], free)
    assert (data["action"][free] == 0).all()
    assert not free.all()


def test_at_weight_zero_the_teacher_is_not_run(make_trainer: MakeTrainer, teacher_uris: tuple[str, str]) -> None:
    schedule = {"by": "epochs", "style": "step", "points": [[0, 1], [1, 0], [2, 1]]}
    loss = {"teacher_uri": "mock://right", "schedules": {"weight": schedule}, "share": 0.5}
    trainer = make_trainer({"action_supervised": loss})
    teacher = teacher_of(trainer)
    calls = []
    for _ in range(3):
        trainer.train_epoch()
        calls.append(teacher.policy.calls)
    advice = trainer.experience.timeline(KEY)
    assert calls == [16, 16, 32], "of the two slots only the first holds rows of its share"
    assert (advice[:2] >= 0).all()
    assert (advice[2:] == -1).all()
    assert teacher.policy.forgotten == 2, "once when made, once when put to rest"


def test_epoch_of_rest_reports_nothing(make_trainer: MakeTrainer, teacher_uris: tuple[str, str]) -> None:
    loss = {"teacher_uri": "mock://stay", "schedules": {"weight": {"points": [[0, 0.5], [0.25, 0]]}}}
    trainer = make_trainer({"action_supervised": loss})
    first, second = trainer.train_epoch().metrics, trainer.train_epoch().metrics
    assert first["losses/teacher_nll"] > 0
    assert first["hyperparameters/action_supervised/weight"] == 0.5
    assert "losses/teacher_nll" not in second


def test_a_run_resumes_exactly_with_its_teacher(make_trainer: MakeTrainer, teacher_uris: tuple[str, str]) -> None:
    """A recurrent teacher that draws its actions: its memory and its random stream are part of the state."""
    loss = {"teacher_uri": teacher_uris[0], "teacher_led": 0.5}
    whole, part = (make_trainer({"action_supervised": loss}) for _ in range(2))
    whole.train_epoch()
    snapshot = whole.state_dict()
    assert not [key for key in snapshot.tensors if key.startswith("losses/") and "network" in key], "no teacher weights"
    assert any(value.any() for key, value in snapshot.tensors.items() if "/teacher/memory/" in key)
    part.load_state(snapshot)
    for trainer in (whole, part):
        trainer.train_epoch()
    one, two = whole.state_dict().tensors, part.state_dict().tensors
    assert not [key for key in one if not torch.equal(torch.as_tensor(one[key]), torch.as_tensor(two[key]))]


def test_another_teacher_is_refused(make_trainer: MakeTrainer, teacher_uris: tuple[str, str]) -> None:
    """As when a folder was named and holds a newer policy by now."""
    one, two = (make_trainer({"action_supervised": {"teacher_uri": uri}}) for uri in teacher_uris)
    with pytest.raises(CheckpointError, match=r"is not the one that this run began with.*Name the \.mpt"):
        two.load_state(one.state_dict())


@pytest.mark.parametrize(
    ("change", "told"),
    [({"teacher_led": 1.5}, "teacher_led"), ({"teacher_uri": ""}, "teacher_uri"), ({"share": 0}, "share")],
)
def test_config_is_checked(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        ActionSupervisedConfig.model_validate({"teacher_uri": "mock://noop"} | change)


def test_unknown_teacher_is_refused_when_the_training_is_built(
    make_trainer: MakeTrainer, teacher_uris: tuple[str, str]
) -> None:
    with pytest.raises(ConfigError, match="there is no policy mock://arena_techer"):
        make_trainer({"action_supervised": {"teacher_uri": "mock://arena_techer"}})
    with pytest.raises(ConfigError, match="cannot play 'corridor'"):
        make_trainer({"action_supervised": {"teacher_uri": "mock://arena_teacher"}})


def test_rest_is_decided_at_each_epochs_start() -> None:
    loss = ActionSupervisedLoss(
        ActionSupervisedConfig.model_validate(
            {"teacher_uri": "mock://noop", "schedules": {"weight": {"points": [[0, 1], [1, 0]]}}}
        )
    )
    loss.begin_epoch(Clock(0.25, 0, 0))
    assert loss.weight == 0.75
    assert math.isclose(loss.begin_epoch(Clock(1.0, 0, 0))["weight"], 0.0)
