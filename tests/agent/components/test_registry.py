"""The component registry is complete."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import metta.agent.components
from metta.agent.components.registry import COMPONENTS, component_class
from metta.agent.module import MettaModule
from metta.common.errors import ConfigError


def test_every_component_is_registered_under_its_name() -> None:
    found = {
        name: member
        for info in pkgutil.iter_modules(metta.agent.components.__path__)
        for name, member in inspect.getmembers(importlib.import_module(f"metta.agent.components.{info.name}"))
        if inspect.isclass(member) and issubclass(member, MettaModule) and member is not MettaModule and name[0] != "_"
    }
    assert found == COMPONENTS


def test_unknown_name() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean 'TokenBag'"):
        component_class("TokenBg")
