"""The classic objects with their type ids, recipes and clocks. Games change them with ``replace``.

Source: the public engine of 2025; lab and factory have its April tables.
"""

from __future__ import annotations

from typing import Literal

from metta.mettagrid.config.kinds.assembler import AssemblerConfig, AssemblerRecipeConfig
from metta.mettagrid.config.kinds.chest import ChestConfig
from metta.mettagrid.config.kinds.converter import ConverterConfig
from metta.mettagrid.config.kinds.static import BlockConfig, WallConfig

Color = Literal["red", "blue", "green"]
_COLORS: tuple[Color, ...] = ("red", "blue", "green")


def wall() -> WallConfig:
    """An obstacle, type 1."""
    return WallConfig(type_id=1)


def block() -> BlockConfig:
    """A wall that can be swapped with, placed and picked up, type 14."""
    return BlockConfig(type_id=14)


def mine(color: Color = "red", *, initial: int = 0) -> ConverterConfig:
    """One ore of its colour every 50 steps; types 2 to 4.

    >>> mine("green").type_id, mine("green").output_resources
    (4, {'ore_green': 1})
    """
    return ConverterConfig(
        type_id=2 + _COLORS.index(color),
        output_resources={f"ore_{color}": 1},
        cooldown=50,
        initial_resource_count=initial,
    )


def generator(color: Color = "red", *, initial: int = 0) -> ConverterConfig:
    """One ore -> one battery of its colour, then 25 steps of rest; types 5 to 7."""
    return ConverterConfig(
        type_id=5 + _COLORS.index(color),
        input_resources={f"ore_{color}": 1},
        output_resources={f"battery_{color}": 1},
        cooldown=25,
        initial_resource_count=initial,
    )


def altar(batteries: int = 3, *, initial: int = 0) -> ConverterConfig:
    """Red batteries -> one heart, then 10 steps of rest; type 8."""
    return ConverterConfig(
        type_id=8,
        input_resources={"battery_red": batteries},
        output_resources={"heart": 1},
        cooldown=10,
        initial_resource_count=initial,
    )


def lasery(*, initial: int = 0) -> ConverterConfig:
    """One red battery and two red ore -> one laser, then 10 steps of rest; type 15."""
    return ConverterConfig(
        type_id=15,
        input_resources={"battery_red": 1, "ore_red": 2},
        output_resources={"laser": 1},
        cooldown=10,
        initial_resource_count=initial,
    )


def armory(*, initial: int = 0) -> ConverterConfig:
    """Three red ore -> one armor, then 10 steps of rest; type 16."""
    return ConverterConfig(
        type_id=16,
        input_resources={"ore_red": 3},
        output_resources={"armor": 1},
        cooldown=10,
        initial_resource_count=initial,
    )


def lab(*, initial: int = 0) -> ConverterConfig:
    """Three red ore and three red batteries -> one blueprint, then 5 steps of rest; type 17."""
    return ConverterConfig(
        type_id=17,
        input_resources={"battery_red": 3, "ore_red": 3},
        output_resources={"blueprint": 1},
        cooldown=5,
        initial_resource_count=initial,
    )


def factory(*, initial: int = 0) -> ConverterConfig:
    """A blueprint, five red ore and five red batteries -> five armor and five lasers, then 5 steps of rest; type 18."""
    return ConverterConfig(
        type_id=18,
        input_resources={"battery_red": 5, "blueprint": 1, "ore_red": 5},
        output_resources={"armor": 5, "laser": 5},
        cooldown=5,
        initial_resource_count=initial,
    )


def temple() -> AssemblerConfig:
    """A heart and a blueprint -> five hearts, then 5 steps of rest; type 19.

    It is an assembler that one agent uses: a converter would hand back the heart that it was given.
    """
    recipe = AssemblerRecipeConfig(
        positions=("Any",), input_resources={"blueprint": 1, "heart": 1}, output_resources={"heart": 5}, cooldown=5
    )
    return AssemblerConfig(type_id=19, recipes=(recipe,))


def chest(resource: str = "heart") -> ChestConfig:
    """Keeps one resource; everybody may put in and take out, from all sides; type 20."""
    return ChestConfig(type_id=20, resource=resource)


def emptied(converter: ConverterConfig) -> ConverterConfig:
    """The same thing without a recipe, for tasks in which what a converter does has to be found out.

    >>> emptied(mine()).output_resources, emptied(mine()).cooldown
    ({}, 5)
    """
    return ConverterConfig(type_id=converter.type_id, cooldown=5)
