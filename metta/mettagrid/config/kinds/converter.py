"""Mine, generator, altar, lasery, armory, lab, factory, temple: all are converters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from metta.mettagrid.config.checks import check_amounts
from metta.mettagrid.config.kinds.base import ResourceUse, ThingConfig
from metta.mettagrid.config.limits import MAX_AMOUNT, MAX_TICKS


class ConverterConfig(ThingConfig):
    """Turns inputs into outputs; without inputs it is a mine.

    It starts when idle, all inputs are there, it holds less than ``max_output`` outputs and conversions are left;
    outputs appear ``conversion_ticks`` later, then it rests for ``cooldown`` steps.

    >>> ConverterConfig(type_id=5, input_resources={"ore": 1}, output_resources={"battery": 1}, cooldown=25).max_output
    5
    """

    type: Literal["converter"] = "converter"
    input_resources: dict[str, int] = Field(default={}, description="resource -> units taken per conversion")
    output_resources: dict[str, int] = Field(default={}, description="resource -> units made per conversion")
    max_output: int = Field(
        default=5, ge=-1, le=MAX_AMOUNT, description="no conversion starts with this many outputs held; -1: unlimited"
    )
    max_conversions: int = Field(default=-1, ge=-1, le=2**31 - 1, description="per episode; -1: unlimited, 0: never")
    conversion_ticks: int = Field(default=1, ge=1, le=MAX_TICKS, description="steps from start to finish")
    cooldown: int = Field(ge=0, le=MAX_TICKS, description="steps of rest after a conversion")
    initial_resource_count: int = Field(default=0, ge=0, le=MAX_AMOUNT, description="units of each output at the start")
    use_cost: dict[str, int] = Field(
        default={}, description="resource -> units that the agent pays for each successful use by moving into it"
    )

    def resource_uses(self) -> Iterator[ResourceUse]:
        yield ResourceUse("input_resources", self.input_resources, "bring")
        yield ResourceUse("output_resources", self.output_resources, "take")
        yield ResourceUse("use_cost", self.use_cost, "bring")

    @model_validator(mode="after")
    def _recipe_is_possible(self) -> Self:
        check_amounts("input_resources", self.input_resources, most=MAX_AMOUNT)
        check_amounts("output_resources", self.output_resources, most=MAX_AMOUNT)
        check_amounts("use_cost", self.use_cost, most=MAX_AMOUNT)
        if self.max_output == 0 and self.max_conversions != 0:
            raise ValueError(
                "max_output=0 leaves no room for any output, so this converter would never start. "
                "Set max_output>=1 or -1 (unlimited); to switch a converter off on purpose set max_conversions=0."
            )
        if both := sorted(self.input_resources.keys() & self.output_resources.keys()):
            raise ValueError(
                f"{both} are inputs and outputs of one recipe: agents would take back what they put in. "
                "Remove them from input_resources or output_resources."
            )
        return self
