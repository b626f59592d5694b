"""Things that stand on a map. Each kind has a file in ``kinds/`` and one entry here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from metta.mettagrid.config.kinds.assembler import AssemblerConfig
from metta.mettagrid.config.kinds.chest import ChestConfig
from metta.mettagrid.config.kinds.converter import ConverterConfig
from metta.mettagrid.config.kinds.door import DoorConfig
from metta.mettagrid.config.kinds.pile import PileConfig
from metta.mettagrid.config.kinds.plant import PlantConfig
from metta.mettagrid.config.kinds.static import BlockConfig, WallConfig

__all__ = [
    "AssemblerConfig",
    "BlockConfig",
    "ChestConfig",
    "ConverterConfig",
    "DoorConfig",
    "ObjectConfig",
    "PileConfig",
    "PlantConfig",
    "WallConfig",
]

ObjectConfig = Annotated[
    WallConfig | BlockConfig | ConverterConfig | PlantConfig | DoorConfig | ChestConfig | AssemblerConfig | PileConfig,
    Field(discriminator="type"),
]
