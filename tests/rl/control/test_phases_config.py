"""Phases as settings: both spellings, thresholds, and the way from one phase to the next."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer
from metta.agent.control.training_control import TrainingControl
from metta.common.yaml_file import read_yaml
from metta.rl.control.phases_config import PhaseConfig, Until, moving

CONFIGS = Path(__file__).parents[3] / "configs" / "training_phases"
PRESET = {"bag", "mlp", "actor", "critic"}


def phases_of(path: Path) -> dict[str, PhaseConfig]:
    return TypeAdapter(dict[str, PhaseConfig]).validate_python(read_yaml(path))


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_phases_name_what_the_default_policy_has(path: Path) -> None:
    phases = phases_of(path)
    assert len(phases) >= 3
    for name, phase in phases.items():
        for mentioned in phase.control().component_names().values():
            assert set(mentioned) <= PRESET, name
    assert [phase.until is None for phase in phases.values()] == [False] * (len(phases) - 1) + [True]


def test_signals_and_fields_are_one() -> None:
    one = PhaseConfig.model_validate({"_component_lr": {"encoder": 1e-3}, "_frozen_components": []})
    assert one == PhaseConfig(component_lr={"encoder": 1e-3}, frozen_components=())
    assert one.control() == TrainingControl(component_lr={"encoder": 1e-3}, frozen_components=())
    with pytest.raises(ValueError, match="there twice"):
        PhaseConfig.model_validate({"_component_lr": {}, "component_lr": {}})


@pytest.mark.parametrize(
    ("threshold", "value", "met"),
    [(">= 0.5", 0.5, True), (">=0.5", 0.4, False), ("<= 1e-3", 1e-3, True), ("<= -2", -1.0, False)],
)
def test_thresholds(threshold: str, value: float, met: bool) -> None:
    until = Until(metrics={"a": threshold})
    assert until.meets({"a": value}) is met
    assert not until.meets({"b": value}), "a metric that an epoch lacks meets nothing"


def test_all_thresholds_must_hold() -> None:
    until = Until(metrics={"a": ">= 1", "b": "<= 1"})
    assert until.meets({"a": 1, "b": 1})
    assert not until.meets({"a": 1, "b": 2})
    assert not Until(epochs=3).meets({})


@pytest.mark.parametrize("until", [{}, {"metrics": {}}, {"metrics": {"a": "> 1"}}, {"epochs": 0}, {"patience": 2}])
def test_ends_that_say_nothing_are_refused(until: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"until|Until|metrics|epochs"):
        Until.model_validate(until)


def network() -> ComponentContainer:
    net = ComponentContainer()
    net.add_component("encoder", LinearModule(3, 8, "observation", "features"))
    net.add_component("policy", LinearModule(8, 4, "features", "logits"))
    net.wrap_component("policy", "clipping", {"clip_ranges": {"logits": (-5.0, 5.0)}})
    return net


BEFORE = TrainingControl(
    component_lr={"all": 1e-3},
    frozen_components=("encoder",),
    gradient_accumulation={"policy": 4},
    gradient_clip={"encoder": 1.0, "policy": 1.0},
    eval_mode_components=("policy",),
    output_clipping={"logits": (-1.0, 1.0)},
    deactivate_wrappers={"policy": ("ClippingWrapper",)},
)


@pytest.mark.parametrize(
    "after",
    [
        TrainingControl(),
        TrainingControl(component_lr={"policy": 1e-4}, frozen_components=("policy",)),
        TrainingControl(gradient_clip={"policy": 2.0}, frozen_components=("all",)),
        BEFORE,
    ],
)
def test_moving_on_ends_at_what_the_new_phase_alone_would_be(after: TrainingControl) -> None:
    """Nothing of the phase before is left, nothing of the new one is lost."""
    moved, fresh = network(), network()
    moved.controller.apply(moving(None, BEFORE))
    report = moved.controller.apply(moving(BEFORE, after))
    expected = fresh.controller.apply(after)
    assert report.model_dump(exclude={"wrapper_status", "grad_accumulation_status"}) == expected.model_dump(
        exclude={"wrapper_status", "grad_accumulation_status"}
    )
    assert report.wrapper_status == expected.wrapper_status or after is BEFORE


def test_the_module_knows_no_torch() -> None:
    code = "import sys, metta.rl.control.phases_config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
