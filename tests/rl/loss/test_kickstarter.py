"""Kickstarting against a slow reference, shares of several teachers, and what a resumed run reaches."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from metta.agent.policy import Policy
from metta.common.errors import ConfigError
from metta.rl.loss.kickstarter import KickstarterLoss
from metta.rl.loss.kickstarter_config import KickstarterConfig, TeacherConfig
from metta.rl.trainer import Trainer
from tests.rl.loss.samples import MakeTrainer

PROBS, VALUES, INDEX = (f"kickstarter/teacher_{key}" for key in ("probs", "values", "index"))

TWO = KickstarterConfig.model_validate(
    {
        "teachers": [
            {"teacher_uri": "a.mpt", "action_coef": 0.5, "value_coef": 0.25},
            {"teacher_uri": "b.mpt", "action_coef": 2.0, "value_coef": 0.0},
        ],
        "action_coef": 0.6,
        "value_coef": 3.0,
        "temperature": 2.0,
    }
)


def teacher_of(trainer: Trainer) -> Any:
    loss: Any = trainer.objective.losses["kickstarter"]
    (teacher,) = loss.teachers
    return teacher


def random_batch(seed: int = 0) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The policy has one action masked out, as ``MaskedCategorical`` does it; the teacher gives it nothing."""
    rng = torch.Generator().manual_seed(seed)
    logits, teacher = torch.randn(2, 3, 4, 5, generator=rng)
    logits[..., 4], teacher[..., 4] = torch.finfo(torch.float32).min / 4, -torch.inf
    batch = {
        "valid": torch.rand(3, 4, generator=rng) < 0.7,
        INDEX: torch.randint(-1, 2, (3, 4), generator=rng),
        PROBS: (teacher / 2.0).softmax(-1),
        VALUES: torch.randn(3, 4, generator=rng),
    }
    output = {"log_probs": logits.log_softmax(-1), "values": torch.randn(3, 4, generator=rng)}
    return batch, {key: tensor.requires_grad_() for key, tensor in output.items()}


def reference(batch: dict[str, Tensor], output: dict[str, Tensor], cfg: KickstarterConfig) -> tuple[float, float]:
    """Loss and mean divergence in plain Python numbers."""
    terms, divergences = [], []
    for i in range(3):
        for j in range(4):
            k = int(batch[INDEX][i, j])
            if k < 0 or not batch["valid"][i, j]:
                continue
            scaled = [math.exp(x / cfg.temperature) for x in output["log_probs"][i, j].tolist()]
            student = [x / sum(scaled) for x in scaled]
            teacher = batch[PROBS][i, j].tolist()
            kl = sum(p * math.log(p / q) for p, q in zip(teacher, student, strict=True) if p > 0)
            error = (output["values"][i, j].item() - batch[VALUES][i, j].item()) ** 2
            one = cfg.teachers[k]
            divergences.append(cfg.temperature**2 * kl)
            terms.append(cfg.action_coef * one.action_coef * divergences[-1] + cfg.value_coef * one.value_coef * error)
    return sum(terms) / len(terms), sum(divergences) / len(divergences)


def test_loss_equals_the_formula_step_by_step() -> None:
    batch, output = random_batch()
    loss, divergence = reference(batch, output, TWO)
    result = KickstarterLoss(TWO)(batch, output)
    assert result.loss.item() == pytest.approx(loss, rel=1e-4)
    assert result.metrics["teacher_kl"].item() == pytest.approx(divergence, rel=1e-4)


def test_gradient_reaches_advised_valid_steps_only() -> None:
    batch, output = random_batch()
    KickstarterLoss(TWO)(batch, output).loss.backward()
    advised = batch["valid"] & (batch[INDEX] >= 0)
    log_probs, values = output["log_probs"].grad, output["values"].grad
    assert log_probs is not None
    assert values is not None
    assert log_probs.isfinite().all()
    assert torch.equal((log_probs != 0).any(-1), advised)
    assert torch.equal(values != 0, advised & (batch[INDEX] == 0)), "the second teacher's values have no weight"


def test_at_the_teachers_own_distribution_there_is_no_gradient() -> None:
    batch, output = random_batch()
    teacher = batch[PROBS].square()  # temperature 2
    output["log_probs"] = (teacher / teacher.sum(-1, keepdim=True)).clamp(min=1e-37).log().requires_grad_()
    output["values"] = batch[VALUES].clone().requires_grad_()
    result = KickstarterLoss(TWO)(batch, output)
    result.loss.backward()
    assert result.loss.item() == pytest.approx(0, abs=1e-5)
    for tensor in output.values():
        assert tensor.grad is not None
        assert tensor.grad.abs().max() < 1e-5


def test_a_scripted_teachers_divergence_is_the_cross_entropy() -> None:
    batch, output = random_batch()
    batch[PROBS] = torch.nn.functional.one_hot(torch.ones(3, 4).long(), 5).float()
    batch["valid"][:], batch[INDEX][:] = True, 0
    cfg = KickstarterConfig.model_validate({"teachers": [{"teacher_uri": "mock://x", "value_coef": 0}]})
    result = KickstarterLoss(cfg)(batch, output)
    assert result.loss.item() == pytest.approx(-output["log_probs"][..., 1].mean().item(), rel=1e-5)


def test_what_is_recorded_is_the_teachers_distribution(
    make_trainer: MakeTrainer, teacher_uris: tuple[str, str]
) -> None:
    """Softened, and of allowed actions only, with its own memory along the rollout."""
    trainer = make_trainer({"kickstarter": {"teachers": [{"teacher_uri": teacher_uris[0]}], "temperature": 3.0}})
    teacher = teacher_of(trainer)
    assert isinstance(teacher.policy, Policy)
    before = teacher.policy.memory_state()
    trainer.train_epoch()
    data = trainer.experience.buffer
    memory = {f"memory/{name}": tensor[:].clone() for name, tensor in before.items()}
    rows = {key: trainer.experience.timeline(key) for key in ("env_obs", "first", "action", "action_mask")}
    teacher.policy.provide(("log_probs",), "test")
    with torch.no_grad():
        expected = teacher.policy.evaluate({**rows, **memory})
    softened = (expected["log_probs"] / 3.0).softmax(-1)
    torch.testing.assert_close(trainer.experience.timeline(PROBS), softened, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(trainer.experience.timeline(VALUES), expected["values"], rtol=1e-4, atol=1e-6)
    assert (data[PROBS][~data["action_mask"]] == 0).all()
    assert (data[INDEX] == 0).all()


def test_each_teacher_advises_its_share_and_acts_on_its_part(
    make_trainer: MakeTrainer, teacher_uris: tuple[str, str]
) -> None:
    teachers = [
        {"teacher_uri": "mock://stay", "share": 0.5, "value_coef": 0},
        {"teacher_uri": teacher_uris[0], "share": 0.25},
    ]
    trainer = make_trainer({"kickstarter": {"teachers": teachers, "teacher_led": 0.5}})
    trainer.train_epoch()
    line = trainer.experience.timeline
    assert line(INDEX)[:, 0].tolist() == [0, 0, 1, -1]
    assert line("led")[:, 0].tolist() == [False, True, False, False]
    assert (line("action")[1] == 2).all()
    assert (line(PROBS)[:2, :, 2] == 1).all()
    assert not line(PROBS)[3].any()


def test_at_weight_zero_no_teacher_is_run(make_trainer: MakeTrainer, teacher_uris: tuple[str, str]) -> None:
    schedules = {name: {"by": "epochs", "points": [[0, 1], [1, 0]]} for name in ("action_coef", "value_coef")}
    teachers = [{"teacher_uri": "mock://right", "value_coef": 0}]
    trainer = make_trainer({"kickstarter": {"teachers": teachers, "schedules": schedules}})
    teacher = teacher_of(trainer)
    first, second = trainer.train_epoch().metrics, trainer.train_epoch().metrics
    assert teacher.policy.calls == 32, "16 steps of two slots"
    assert first["losses/teacher_kl"] > 0
    assert "losses/teacher_kl" not in second
    assert (trainer.experience.timeline(INDEX) == -1).all()


def test_a_run_resumes_exactly_with_two_teachers(make_trainer: MakeTrainer, teacher_uris: tuple[str, str]) -> None:
    teachers = [{"teacher_uri": uri} for uri in teacher_uris]
    loss = {"teachers": teachers, "teacher_led": 0.5, "schedules": {"weight": {"points": [[0, 1], [0.75, 0]]}}}
    whole, part = (make_trainer({"kickstarter": loss}) for _ in range(2))
    whole.train_epoch()
    part.load_state(whole.state_dict())
    for trainer in (whole, part):
        while not trainer.finished:
            trainer.train_epoch()
    one, two = whole.state_dict().tensors, part.state_dict().tensors
    assert [key for key in one if key.startswith("losses/kickstarter/rollout/1/memory")]
    assert not [key for key in one if not torch.equal(torch.as_tensor(one[key]), torch.as_tensor(two[key]))]


def test_a_kickstarted_policy_comes_close_to_its_teacher(
    make_trainer: MakeTrainer, teacher_uris: tuple[str, str]
) -> None:
    loss = {"teachers": [{"teacher_uri": teacher_uris[0]}], "weight": 5.0}
    trainer = make_trainer({"kickstarter": loss, "ppo_actor": {"weight": 0.0}}, **{"optimizer.learning_rate": 0.01})
    divergences = [trainer.train_epoch().metrics["losses/teacher_kl"] for _ in range(8)]
    assert divergences[-1] < 0.3 * divergences[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"teachers": []}, "teachers"),
        (
            {"teachers": [{"teacher_uri": "a", "share": 0.7}, {"teacher_uri": "b", "share": 0.6}]},
            "take 1.3 of the rows",
        ),
        ({"teachers": [{"teacher_uri": "a", "share": 1.0}, {"teacher_uri": "b"}]}, "take 1 of the rows"),
        ({"temperature": 0}, "temperature"),
    ],
)
def test_config_is_checked(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        KickstarterConfig.model_validate({"teachers": [{"teacher_uri": "a"}]} | change)


def test_teachers_that_cannot_do_what_is_asked_are_refused(
    make_trainer: MakeTrainer, teacher_uris: tuple[str, str]
) -> None:
    with pytest.raises(ConfigError, match=r"mock://random is scripted and knows no values.*value_coef to 0"):
        make_trainer({"kickstarter": {"teachers": [{"teacher_uri": "mock://random"}]}})
    few = {"teachers": [{"teacher_uri": "mock://random", "value_coef": 0, "share": 0.1}]}
    with pytest.raises(ConfigError, match=r"share 0\.1 of 4 rows is none"):
        make_trainer({"kickstarter": few})


def test_teachers_are_named_by_their_keys() -> None:
    config = KickstarterConfig(teachers=(TeacherConfig(teacher_uri="a.mpt"), TeacherConfig(teacher_uri="mock://noop")))
    assert config.teacher_uris == {"teachers[0].teacher_uri": "a.mpt", "teachers[1].teacher_uri": "mock://noop"}
