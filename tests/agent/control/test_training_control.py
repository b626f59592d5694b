"""Intent as data: read by field or by signal, all faults at once, plain JSON."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from metta.agent.control.training_control import REPORT_KEYS, SIGNAL_KEYS, ControlReport, TrainingControl
from metta.common.errors import ConfigError

EVERYTHING = {
    "_component_lr": {"encoder": 1e-4, "policy": 3e-4, "value": 1e-5},
    "_frozen_components": ["encoder"],
    "_unfrozen_components": ["fine_grained_encoder"],
    "_gradient_accumulation": {"policy": 4},
    "_gradient_clip": {"policy": 1.0},
    "_eval_mode_components": ["auxiliary"],
    "_output_clipping": {"action_logits": [-1.0, 1.0]},
    "_training_phase": "fine_tuning",
    "_activate_wrappers": {"policy": ["GradientMonitoringWrapper"]},
    "_deactivate_wrappers": {"encoder": ["PerformanceMonitoringWrapper"]},
    "_agent_populations": {"explorers": 8, "collectors": 4, "guardians": 2},
    "_parameter_sharing": {"shared_encoder": "all_agents"},
    "_sync_frequency": {"explorer_policy": 50},
}


def test_every_signal_of_the_design_is_known_and_survives_json() -> None:
    control = TrainingControl.from_signals(EVERYTHING)
    assert set(EVERYTHING) == SIGNAL_KEYS
    assert control.signals() == EVERYTHING
    assert TrainingControl.from_fields(json.loads(json.dumps(control.stated()))) == control


def test_fields_and_signals_are_one() -> None:
    assert TrainingControl.from_fields({"_component_lr": {"policy": 1e-4}, "frozen_components": ["encoder"]}) == (
        TrainingControl(component_lr={"policy": 1e-4}, frozen_components=("encoder",))
    )
    with pytest.raises(ConfigError, match="component_lr is there twice, with and without underscore"):
        TrainingControl.from_fields({"_component_lr": {"policy": 1e-4}, "component_lr": {"policy": 1e-4}})


def test_all_components_means_all() -> None:
    control = TrainingControl.from_signals(
        {
            "_gradient_clip": {"all_components": 0.5},
            "_frozen_components": ["all_components"],
        }
    )
    assert control == TrainingControl(gradient_clip={"all": 0.5}, frozen_components=("all",))
    assert control.component_names() == {"gradient_clip": (), "frozen_components": ()}


def test_a_rate_of_null_survives_json_and_an_absent_field_is_none() -> None:
    control = TrainingControl(component_lr={"policy": None})
    assert control.stated() == {"component_lr": {"policy": None}}
    assert TrainingControl.from_fields(control.stated()) == control
    assert TrainingControl().stated() == {}


def test_all_faults_come_in_one_message() -> None:
    with pytest.raises(ConfigError) as caught:
        TrainingControl.from_fields(
            {
                "componet_lr": {},
                "component_lr": {"policy": -1},
                "gradient_accumulation": {"policy": 0},
                "sync_frequency": {"policy": -2},
            }
        )
    message = str(caught.value)
    for told in (
        "'componet_lr'",
        "Did you mean",
        "component_lr.policy",
        "accumulation.policy",
        "sync_frequency.policy",
    ):
        assert told in message


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"frozen_components": ("a", "b"), "unfrozen_components": ("b",)}, r"both name \['b'\]"),
        ({"output_clipping": {"logits": (1.0, 1.0)}}, "no range: expected low < high"),
        ({"parameter_sharing": {"a": "some"}}, "expected 'all_agents' or 'population'"),
        ({"activate_wrappers": {"a": ("X",)}, "deactivate_wrappers": {"a": ("X",)}}, "both name"),
    ],
)
def test_contradictions_are_refused(fields: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        TrainingControl.from_fields(fields)


def test_a_report_says_only_what_there_is() -> None:
    report = ControlReport(component_lr_actual={"policy": 1e-4}, component_status={"encoder": "frozen"})
    assert report.signals() == {"_component_lr_actual": {"policy": 1e-4}, "_component_status": {"encoder": "frozen"}}
    assert set(report.signals()) < REPORT_KEYS
    assert ControlReport().signals() == {}


def test_intent_knows_no_torch() -> None:
    code = "import sys, metta.agent.control.training_control; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
