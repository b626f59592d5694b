"""Wrappers by name."""

from __future__ import annotations

import pytest

from metta.agent.wrappers.base import WrapperModule
from metta.agent.wrappers.clipping import ClippingWrapper
from metta.agent.wrappers.registry import WRAPPERS, wrapper_class
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
