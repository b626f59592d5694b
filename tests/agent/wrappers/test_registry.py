"""Wrappers by name."""

from __future__ import annotations

import pytest

from metta.agent.components.linear import LinearModule
from metta.agent.wrappers.base import WrapperModule, unwrapped, wrappers_of
from metta.agent.wrappers.clipping import ClippingWrapper
from metta.agent.wrappers.registry import WRAPPERS, wrap, wrapper_class
from metta.common.errors import ConfigError


@pytest.mark.parametrize(("kind", "cls"), sorted(WRAPPERS.items()))
def test_every_wrapper_is_found_by_type_and_by_class_name(kind: str, cls: type[WrapperModule]) -> None:
    assert wrapper_class(kind) is cls
    assert wrapper_class(str(cls.__name__)) is cls
    assert cls.kind == kind
    assert cls.__doc__
    assert cls.role in ("behaviour", "training", "monitoring")


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no wrapper 'cliping'; there are .*'clipping'"):
        wrapper_class("cliping")


def test_names_are_exact() -> None:
    assert wrapper_class("clipping") is ClippingWrapper
    with pytest.raises(ConfigError):
        wrapper_class("Clipping")


def test_aliases_of_the_first_design() -> None:
    for alias, kind in {
        "training_phase_aware": "training_phase",
        "SafeModule": "safe",
        "RegularizedModule": "regularized",
        "WeightMonitoringModule": "weight_monitoring",
        "ActivatableNoGradWrapper": "no_grad",
        "PerformanceMonitor": "performance_monitoring",
    }.items():
        assert wrapper_class(alias) is WRAPPERS[kind]


def test_no_two_wrappers_share_a_name() -> None:
    names = [name for cls in WRAPPERS.values() for name in cls.names()]
    assert len(names) == len(set(names))


# --- stacks -----------------------------------------------------------------------------------------------------------


def test_the_first_entry_is_the_innermost(policy: LinearModule) -> None:
    stack = [
        {"type": "clipping", "config": {"logits": [-1.0, 1.0]}},
        {"type": "normalization", "config": {"norm_type": "l2"}},
        "no_grad",
    ]
    wrapped = wrap(policy, stack, "policy")
    assert [wrapper.kind for wrapper in wrappers_of(wrapped)] == ["no_grad", "normalization", "clipping"]
    assert {wrapper.component_name for wrapper in wrappers_of(wrapped)} == {"policy"}
    assert unwrapped(wrapped) is policy


def test_an_empty_stack_is_the_component(policy: LinearModule) -> None:
    assert wrap(policy, []) is policy


def test_all_faults_of_a_stack_in_one_message(policy: LinearModule) -> None:
    stack = [
        {"type": "cliping"},
        {"type": "clipping", "config": {"actions": [-1, 1]}},
        {"type": "normalization", "config": {"norm": "l2"}},
        {"type": "learning_rate"},
        {"type": "no_grad", "settings": {}},
        {"config": {}},
        {"type": "safe", "config": [1]},
        {"type": "gradient_clipping", "config": {"max_norm": "much"}},
        {"type": "eval_mode"},
    ]
    with pytest.raises(ConfigError) as caught:
        wrap(policy, stack, "policy")
    text = str(caught.value)
    for part in (
        "wrappers of policy: wrappers[0]: no wrapper 'cliping'",
        "wrappers[1]: ClippingWrapper has ranges for ['actions'], which policy does not write",
        "wrappers[2]: normalization has no setting 'norm'",
        "wrappers[3]: learning_rate needs ['learning_rate'] in its config; it has ['component_name'].",
        "wrappers[4]: unknown keys ['settings']",
        "wrappers[5]: {'config': {}} has no type",
        "wrappers[6]: config of safe is [1]; expected a mapping",
        "wrappers[7]: gradient_clipping: config",
    ):
        assert part in text
    assert "wrappers[8]" not in text


def test_what_is_no_list_is_refused(policy: LinearModule) -> None:
    with pytest.raises(ConfigError, match="wrappers of LinearModule are 'clipping'; expected a list"):
        wrap(policy, "clipping")
