"""Signals and reports at a network's edge: what a dict and a TensorDict carry is one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tensordict import TensorDict

from metta.agent.components.linear import LinearModule
from metta.agent.control.exchange import control_in, hear_signals, plain, write_plain, write_reports
from metta.agent.control.training_control import TrainingControl
from metta.agent.wrappers.learning_rate import LearningRateWrapper
from metta.agent.wrappers.no_grad import NoGradWrapper
from metta.agent.wrappers.signals import Signals
from metta.common.errors import ConfigError

STATED: dict[str, Any] = {
    "_component_lr": {"encoder": 1e-4, "policy": 3e-4},
    "_frozen_components": ["encoder"],
    "_gradient_accumulation": {"policy": 4},
    "_eval_mode_components": [],
    "_output_clipping": {"action_logits": (-1.0, 1.0)},
    "_deactivate_wrappers": {"encoder": ["ClippingWrapper"]},
    "_parameter_sharing": {"encoder": "all_agents"},
    "_training_phase": "fine_tuning",
}
HEARD: dict[str, Any] = {"_step": 50_000, "_gradient_norms": {"policy": 1.5}, "_performance_metrics": {"reward": 0.5}}


def test_a_tensordict_states_what_a_dict_states() -> None:
    """A TensorDict turns numbers into tensors of float32 and lists into stacks: both are undone."""
    from_dict = control_in({"observation": torch.zeros(2), **STATED})
    assert from_dict == control_in(TensorDict({"observation": torch.zeros(2), **STATED}))
    assert from_dict == TrainingControl.from_signals(STATED)
    batched = TensorDict({"observation": torch.zeros(4, 2)}, batch_size=[4])
    for key, value in STATED.items():
        batched.set_non_tensor(key, value)
    assert control_in(batched) == from_dict


def test_without_signals_there_is_no_control() -> None:
    assert control_in({"observation": torch.zeros(2), "_step": 3}) is None
    assert control_in(TensorDict({"observation": torch.zeros(2)})) is None


def test_a_value_that_does_not_fit_is_named() -> None:
    with pytest.raises(ConfigError, match=r"component_lr\.policy"):
        control_in(TensorDict({"_component_lr": {"policy": -1.0}}))


@pytest.mark.parametrize("make", [dict, TensorDict])
def test_signals_are_heard(make: Any) -> None:
    signals = Signals()
    hear_signals(signals, make({**HEARD, "_training_phase": "pretraining"}))
    assert signals == Signals("pretraining", 50_000, {"policy": 1.5}, {"reward": 0.5})
    hear_signals(signals, make({"_step": 50_001}))
    assert signals == Signals("pretraining", 50_001, {"policy": 1.5}, {"reward": 0.5})


@pytest.mark.parametrize("make", [dict, TensorDict])
def test_reports_of_several_components_come_together(make: Any) -> None:
    encoder = NoGradWrapper(LinearModule(3, 4), "encoder")
    policy = LearningRateWrapper(LinearModule(4, 2), 1e-4, "policy")
    switched_off = NoGradWrapper(LinearModule(3, 4), "critic", active=False)
    td = make({})
    write_reports(td, [encoder, policy])
    write_reports(td, [NoGradWrapper(LinearModule(3, 4), "value"), switched_off])
    assert plain(td["_component_status"]) == {"encoder": "frozen", "value": "frozen"}
    assert plain(td["_component_lr_actual"]) == {"policy": 1e-4}


@pytest.mark.parametrize("make", [dict, TensorDict])
@pytest.mark.parametrize("value", [{"a": {"b": [1, 2.5, "c"]}}, ["x"], {}, "text", None])
def test_plain_python_comes_back_as_it_was(make: Any, value: Any) -> None:
    td = make({})
    write_plain(td, "key", value)
    assert td["key"] == value
    assert plain(td["key"]) == value


def test_numbers_lose_the_noise_of_float32() -> None:
    assert plain(TensorDict({"lr": torch.tensor(3e-4), "n": torch.tensor([[1, 2]]), "on": torch.tensor(True)})) == {
        "lr": 3e-4,
        "n": [[1, 2]],
        "on": True,
    }
