"""Assemblers: things that agents make together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.checks import check_amounts
from metta.mettagrid.config.kinds.base import ResourceUse, ThingConfig
from metta.mettagrid.config.kinds.chest import Position
from metta.mettagrid.config.limits import MAX_AMOUNT, MAX_TICKS, MAX_TYPE_ID


class AssemblerRecipeConfig(Config):
    """What is made, from what, and who has to be there.

    >>> AssemblerRecipeConfig(positions=("W", "Any"), output_resources={"heart": 1}).cooldown
    0
    """

    positions: tuple[Position | Literal["Any"], ...] = Field(
        default=(), max_length=8, description="match=positions: the cells where agents stand; 'Any' is one more of them"
    )
    glyphs: tuple[int, ...] = Field(
        default=(), max_length=8, description="match=glyphs: what the agents around show, in any order; none: whatever"
    )
    min_agents: int = Field(default=1, ge=1, le=8, description="match=glyphs: agents around, silent ones included")
    input_resources: dict[str, int] = Field(default={}, description="resource -> units that all of them pay together")
    output_resources: dict[str, int] = Field(default={}, description="resource -> units made")
    cooldown: int = Field(default=0, ge=0, le=MAX_TICKS, description="steps until the next use; 0: none")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        check_amounts("input_resources", self.input_resources, most=MAX_AMOUNT)
        check_amounts("output_resources", self.output_resources, most=MAX_AMOUNT)
        cells = [position for position in self.positions if position != "Any"]
        if len(set(cells)) != len(cells):
            raise ValueError(f"positions={self.positions} names a cell twice. Name each once; 'Any' adds agents.")
        if wrong := [glyph for glyph in self.glyphs if not 1 <= glyph <= 255]:
            raise ValueError(f"glyphs has {wrong}, expected 1 .. 255 (0 is no glyph). Change or remove them.")
        return self


class AssemblerConfig(ThingConfig):
    """Makes things at once when an agent uses it, if the agents around it fit a recipe and can pay together.

    With ``match="positions"`` exactly the named cells are taken, and as many agents are around as the recipe has
    entries; the first recipe that fits is on. With ``match="glyphs"`` the glyphs of the agents around are the recipe's,
    in any order; among those that fit, the one with the greatest ``min_agents``; recipes without glyphs are for when
    none fits. What counts is who stands there when the step begins.

    >>> AssemblerConfig(recipes=(AssemblerRecipeConfig(positions=("Any",), output_resources={"heart": 1}),)).outputs_to
    'user'
    """

    type: Literal["assembler"] = "assembler"
    type_id: int = Field(default=23, ge=1, le=MAX_TYPE_ID, description="value of the feature type_id; 0 is the agent")
    match: Literal["positions", "glyphs"] = Field(default="positions", description="what chooses the recipe")
    recipes: tuple[AssemblerRecipeConfig, ...] = Field(default=(), max_length=255)
    inputs_from: Literal["even", "in_order"] = Field(
        default="even", description="who pays: all evenly, or the user first, then from north-west to south-east"
    )
    outputs_to: Literal["user", "shared"] = Field(
        default="user", description="who gets what is made; shared: all evenly, the user first"
    )
    max_uses: int = Field(default=0, ge=0, le=2**31 - 1, description="uses an episode; 0: no bound")
    allow_partial_usage: bool = Field(
        default=False, description="during a cooldown it does the part of the recipe that the time passed makes"
    )
    exhaustion: float = Field(
        default=0.0, ge=0.0, le=100.0, description="each use makes the next cooldown longer by it"
    )

    def resource_uses(self) -> Iterator[ResourceUse]:
        for i, recipe in enumerate(self.recipes):
            yield ResourceUse(f"recipes[{i}].input_resources", recipe.input_resources, "bring")
            yield ResourceUse(f"recipes[{i}].output_resources", recipe.output_resources, "take")

    def stats(self, name: str) -> tuple[str, ...]:
        return (f"object.{name}.used",)

    @model_validator(mode="after")
    def _recipes_can_be_chosen(self) -> Self:
        for i, recipe in enumerate(self.recipes):
            if self.match == "positions" and not recipe.positions:
                raise ValueError(
                    f"recipes[{i}].positions is empty, so nobody could ever use it. Name cells or 'Any', or set "
                    "match='glyphs'."
                )
            if self.match == "positions" and (recipe.glyphs or recipe.min_agents > 1):
                raise ValueError(f"recipes[{i}] asks for glyphs or min_agents, which need match='glyphs'.")
            if self.match == "glyphs" and recipe.positions:
                raise ValueError(f"recipes[{i}] asks for positions, which need match='positions'.")
        if 0.0 < self.exhaustion < 0.001:
            raise ValueError(f"exhaustion={self.exhaustion} is hardly any; expected 0 or at least 0.001.")
        return self
