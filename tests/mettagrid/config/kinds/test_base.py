"""What every kind of object says about itself."""

from __future__ import annotations

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.config.kinds.base import ResourceUse
from metta.mettagrid.config.objects import ConverterConfig, WallConfig


@pytest.mark.parametrize("type_id", [0, 256])
def test_type_id_is_a_byte_and_not_the_agents(type_id: int) -> None:
    with pytest.raises(ConfigError, match="type_id"):
        WallConfig(type_id=type_id)


def test_resource_uses_name_the_tables() -> None:
    assert list(WallConfig(type_id=1).resource_uses()) == []
    converter = ConverterConfig(type_id=2, input_resources={"a": 1}, use_cost={"e": 2}, cooldown=0)
    assert list(converter.resource_uses()) == [
        ResourceUse("input_resources", {"a": 1}, "bring"),
        ResourceUse("output_resources", {}, "take"),
        ResourceUse("use_cost", {"e": 2}, "bring"),
    ]
