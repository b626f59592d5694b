"""The tree that scenes form: the union of all scenes, and how children are placed in their parent's area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BeforeValidator, Field, model_validator

from metta.common.config import Config
from metta.mettagrid.maps.scenes.areas import (
    BspLayoutScene,
    CandidateConfig,
    LayoutScene,
    MakeConnectedScene,
    MirrorScene,
    RandomChoiceScene,
    RoomGridScene,
)
from metta.mettagrid.maps.scenes.carve import (
    BspScene,
    CavesScene,
    ConvchainScene,
    MazeScene,
    RadialMazeScene,
    WfcScene,
)
from metta.mettagrid.maps.scenes.scatter import (
    AsciiScene,
    FillScene,
    MeanDistanceScene,
    NopScene,
    RandomObjectsScene,
    RandomScene,
    RemoveAgentsScene,
    TerrainScene,
)
from metta.mettagrid.maps.scenes.scene_base import SceneBase

SCENES: tuple[type[SceneBase], ...] = (
    NopScene,
    FillScene,
    RandomScene,
    RandomObjectsScene,
    MeanDistanceScene,
    AsciiScene,
    TerrainScene,
    RemoveAgentsScene,
    MazeScene,
    RadialMazeScene,
    BspScene,
    CavesScene,
    WfcScene,
    ConvchainScene,
    BspLayoutScene,
    RoomGridScene,
    LayoutScene,
    MirrorScene,
    RandomChoiceScene,
    MakeConnectedScene,
)
"""In the order of the engine's SceneConfig."""

SceneConfig = Annotated[
    NopScene
    | FillScene
    | RandomScene
    | RandomObjectsScene
    | MeanDistanceScene
    | AsciiScene
    | TerrainScene
    | RemoveAgentsScene
    | MazeScene
    | RadialMazeScene
    | BspScene
    | CavesScene
    | WfcScene
    | ConvchainScene
    | BspLayoutScene
    | RoomGridScene
    | LayoutScene
    | MirrorScene
    | RandomChoiceScene
    | MakeConnectedScene,
    Field(discriminator="type"),
]


def area_tags(value: object) -> object:
    """``"full"`` and ``{"tags": [..]}`` as tags.

    >>> area_tags("full"), area_tags({"tags": ["room"]})
    ((), ['room'])
    """
    if value == "full":
        return ()
    if isinstance(value, Mapping):
        tags = dict(cast(Mapping[str, object], value))
        return tags["tags"] if list(tags) == ["tags"] else tags
    return value


def none_is(absent: object) -> BeforeValidator:
    """``null`` in YAML means that there is none."""
    return BeforeValidator(lambda value: absent if value is None else value)


class ChildConfig(Config):
    """A scene drawn after its parent: on the parent's whole area, or on each of its areas that carries all tags.

    >>> ChildConfig.model_validate({"scene": {"type": "maze"}, "where": {"tags": ["room"]}, "limit": 2}).where
    ('room',)
    """

    scene: SceneConfig
    where: Annotated[tuple[str, ...], BeforeValidator(area_tags)] = Field(
        default=(), description="full, or {tags: [..]}: the areas that carry all of them"
    )
    limit: Annotated[int, none_is(0)] = Field(default=0, ge=0, description="most areas to draw on; 0: all")
    offset: Annotated[int, none_is(0)] = Field(default=0, ge=0, description="areas to leave out first")
    order_by: Literal["random", "first", "last"] = Field(default="random", description="which areas come first")
    lock: Annotated[str, none_is("")] = Field(
        default="", description="areas that one child used under a lock are not used again under it"
    )

    @model_validator(mode="after")
    def _areas_are_chosen_by_tags(self) -> Self:
        idle = [f"{name}={value!r}" for name in ("offset", "lock") if (value := getattr(self, name))]
        if idle and not self.where:
            raise ValueError(
                "children.where is full, so the scene is drawn once on its parent's whole area, but "
                f"{' and '.join(idle)} choose among areas. Set where: {{tags: [...]}}, or leave them out."
            )
        return self

    def native(self) -> dict[str, Any]:
        """Plain data as the engine reads it."""
        return self.model_dump(mode="json") | {"scene": self.scene.native()}


def _close_the_circle() -> None:
    """Scenes have children, which are scenes: their modules name classes that only stand here."""
    names = {"ChildConfig": ChildConfig, "SceneConfig": SceneConfig}
    for model in (ChildConfig, CandidateConfig, *SCENES):
        model.model_rebuild(force=True, _types_namespace=names)


_close_the_circle()
