"""From a component's config to the arguments of its constructor."""

from __future__ import annotations

import pytest

from metta.agent.components.linear import LinearModule
from metta.agent.components.lstm import LSTM
from metta.agent.construct import declared_keys, key_arguments, missing_arguments, signature_of, wrapper_faults
from metta.agent.network_config import ComponentConfig, WrapperConfig
from metta.common.errors import ConfigError


def component(**fields: object) -> ComponentConfig:
    return ComponentConfig.model_validate({"name": "c", "class": "C", **fields})


def test_parameters_are_sorted() -> None:
    signature = signature_of(LSTM)
    assert signature.in_keys == ("in_key", "first_key")
    assert signature.out_keys == ("out_key",)
    assert signature.required[:2] == ("in_features", "hidden_size")
    assert missing_arguments(LinearModule, {"in_features": 3}) == ["out_features"]


def test_keys_go_where_the_class_takes_them() -> None:
    given = component(in_keys=["features", "start"], out_keys=["core"])
    assert key_arguments(LSTM, given) == {"in_key": "features", "first_key": "start", "out_key": "core"}
    assert declared_keys(LSTM, component(in_keys=["x"])) == (("x", "first"), ("core",))
    assert declared_keys(LSTM, component(config={"in_key": "x"}))[0] == ("x", "first")
    with pytest.raises(ConfigError, match=r"out_keys \['a', 'b'\] are 2, but LSTM takes 1"):
        key_arguments(LSTM, component(out_keys=["a", "b"]))


def test_wrappers_are_checked_without_a_component() -> None:
    assert wrapper_faults(WrapperConfig(type="clipping", config={"logits": [-1, 1]})) == []
    (fault,) = wrapper_faults(WrapperConfig(type="learning_rate", config={"rate": 1e-3}))
    assert "has no argument 'rate'; it has ['learning_rate', 'active']" in fault
