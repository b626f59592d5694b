"""Which actions exist and what they cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.checks import check_amounts, check_names, check_unique
from metta.mettagrid.config.limits import MAX_ACTIONS, MAX_AMOUNT

ORIENTATIONS = ("north", "south", "west", "east", "northwest", "northeast", "southwest", "southeast")
"""The values of the feature ``agent:orientation``; the first four are the cardinals."""
ATTACKS = tuple(f"attack_{cell}" for cell in range(9))
"""Flat names of ``attack``: the cells of the 3x3 ahead, nearest row last (``docs/mettagrid.md``)."""


MIN_PRICE = 1e-6
"""A smaller fraction of a unit would practically never be paid."""


class NoopConfig(Config):
    """Do nothing. Always there, always allowed, always succeeds."""


class ActionConfig(Config):
    """What every action can ask for.

    An action needs whichever is more of ``required_resources`` and ``consumed_resources`` (rounded up). A fraction is
    paid with that probability: 1.25 costs 1 unit, and a second one in a quarter of the cases. A cost above an agent's
    limit is allowed: it switches the action off while the action space stays the same.
    """

    enabled: bool = False
    required_resources: dict[str, int] = Field(default={}, description="resource -> units that must be held")
    consumed_resources: dict[str, float] = Field(
        default={}, description="resource -> units paid on success; a fraction is paid with that probability"
    )

    @model_validator(mode="after")
    def _amounts_fit(self) -> Self:
        for key, amounts in self.tables().items():
            check_amounts(key, amounts, least=MIN_PRICE if key == "consumed_resources" else 1, most=MAX_AMOUNT)
        return self

    def tables(self) -> dict[str, Mapping[str, float]]:
        """Every mapping from resources to amounts, by its key."""
        return {"required_resources": self.required_resources, "consumed_resources": self.consumed_resources}

    def lists(self) -> dict[str, tuple[str, ...]]:
        """Every list of resources, by its key."""
        return {}


class MoveConfig(ActionConfig):
    """Step into an empty cell. A blocked diagonal slides to its clockwise, then its counter-clockwise neighbour."""

    enabled: bool = True
    directions: Literal[4, 8] = Field(default=4, description="4: north, south, west, east; 8: the diagonals too")
    uses_objects: bool = Field(default=True, description="whether moving into an object uses it")


class RotateConfig(ActionConfig):
    """Turn on the spot: always succeeds."""

    directions: Literal[4, 8] = Field(default=4, description="4: north, south, west, east; 8: the diagonals too")


class PutItemsConfig(ActionConfig):
    """Put into the object ahead what it lacks."""


class GetItemsConfig(ActionConfig):
    """Take from the object ahead what it offers, up to the agent's limits."""


class AttackConfig(ActionConfig):
    """Freeze and loot an agent in the 3x3 ahead, unless it pays ``defense_resources``."""

    defense_resources: dict[str, int] = Field(
        default={}, description="resource -> units that the target pays to block; empty: never blocked"
    )

    damage: int = Field(
        default=5, ge=0, le=MAX_AMOUNT, description="units that a raised shield loses of its resource before all else"
    )

    def tables(self) -> dict[str, Mapping[str, float]]:
        return {**super().tables(), "defense_resources": self.defense_resources}


class SwapConfig(ActionConfig):
    """Exchange places with a swappable wall or a frozen agent ahead."""


class ChangeColorConfig(ActionConfig):
    """Shift the agent's colour, a byte that wraps around, by +1, -1, +63 or -63."""


class ChangeGlyphConfig(ActionConfig):
    """Show one of several glyphs, for others to read."""

    number_of_glyphs: int = Field(default=4, ge=1, le=255, description="glyphs 0 .. n - 1, one action each")


class ShieldConfig(ActionConfig):
    """Raise or lower a shield, which costs ``upkeep`` of its resource each step and takes an attack's damage first."""

    resource: str = Field(default="energy", description="what the shield lives on")
    upkeep: int = Field(default=1, ge=0, le=MAX_AMOUNT, description="units paid per step while it is up")

    def lists(self) -> dict[str, tuple[str, ...]]:
        return {"resource": (self.resource,)}


class ShareConfig(ActionConfig):
    """Give half of each shareable resource to the agent ahead, as far as that has room."""

    shareable_resources: tuple[str, ...] = Field(default=(), description="resources that are shared")

    def lists(self) -> dict[str, tuple[str, ...]]:
        return {"shareable_resources": self.shareable_resources}

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        check_unique("actions.share.shareable_resources", self.shareable_resources)
        return self


class TransferConfig(ActionConfig):
    """Give a fixed amount of one resource to the agent ahead, all or nothing; one action per resource."""

    amounts: dict[str, int] = Field(default={}, description="resource -> units given at once")

    def tables(self) -> dict[str, Mapping[str, float]]:
        return {**super().tables(), "amounts": self.amounts}

    @model_validator(mode="after")
    def _gives_something(self) -> Self:
        if self.enabled and not self.amounts:
            raise ValueError('actions.transfer.amounts is empty. Name what can be given, for example {"heart": 1}.')
        return self


class PlaceBlockConfig(ActionConfig):
    """Set a block on the empty cell ahead; ``consumed_resources`` pays for it."""

    block: str = Field(default="block", description="an object of type block")


class PickBlockConfig(ActionConfig):
    """Take the block ahead away. What it returns is lost where the agent has no room for it."""

    block: str = Field(default="block", description="an object of type block")
    returned_resources: dict[str, int] = Field(default={}, description="resource -> units given for the block")

    def tables(self) -> dict[str, Mapping[str, float]]:
        return {**super().tables(), "returned_resources": self.returned_resources}


class ActionsConfig(Config):
    """The actions of a game.

    >>> ActionsConfig().names()
    ('noop', 'move_north', 'move_south', 'move_west', 'move_east')
    """

    noop: NoopConfig = NoopConfig()
    move: MoveConfig = MoveConfig()
    rotate: RotateConfig = RotateConfig()
    put_items: PutItemsConfig = PutItemsConfig()
    get_items: GetItemsConfig = GetItemsConfig()
    attack: AttackConfig = AttackConfig()
    swap: SwapConfig = SwapConfig()
    change_color: ChangeColorConfig = ChangeColorConfig()
    change_glyph: ChangeGlyphConfig = ChangeGlyphConfig()
    shield: ShieldConfig = ShieldConfig()
    share: ShareConfig = ShareConfig()
    transfer: TransferConfig = TransferConfig()
    place_block: PlaceBlockConfig = PlaceBlockConfig()
    pick_block: PickBlockConfig = PickBlockConfig()

    @model_validator(mode="after")
    def _indices_fit_a_byte(self) -> Self:
        families = self.families()
        count = sum(map(len, families.values()))
        if count > MAX_ACTIONS:
            largest = max(families, key=lambda name: len(families[name]))
            raise ValueError(
                f"actions have {count} variants, {len(families[largest])} of them from actions.{largest}; expected at "
                f"most {MAX_ACTIONS} in all. Switch families off, or give actions.{largest} fewer variants."
            )
        return self

    def families(self) -> dict[str, tuple[str, ...]]:
        """The families that a game has, in the engine's order, each with the names of its flat actions.

        >>> ActionsConfig().families()["move"]
        ('move_north', 'move_south', 'move_west', 'move_east')
        """
        every = {
            "noop": ("noop",),
            "move": _directed("move", self.move.directions),
            "rotate": _directed("rotate", self.rotate.directions),
            "put_items": ("put_items",),
            "get_items": ("get_items",),
            "attack": ATTACKS,
            "swap": ("swap",),
            "change_color": tuple(f"change_color_{shift}" for shift in range(4)),
            "change_glyph": tuple(f"change_glyph_{glyph}" for glyph in range(self.change_glyph.number_of_glyphs)),
            "shield": ("shield",),
            "share": ("share",),
            "transfer": tuple(f"transfer_{resource}" for resource in self.transfer.amounts),
            "place_block": ("place_block",),
            "pick_block": ("pick_block",),
        }
        return {family: names for family, names in every.items() if self._has(family)}

    def names(self) -> tuple[str, ...]:
        """Flat action names; their positions are the action indices."""
        return tuple(name for variants in self.families().values() for name in variants)

    def num_orientations(self) -> int:
        """How many orientations an agent can take: 8 when some enabled action knows the diagonals."""
        return max(family.directions if family.enabled else 4 for family in (self.move, self.rotate))

    def _has(self, family: str) -> bool:
        config = getattr(self, family)
        return not isinstance(config, ActionConfig) or config.enabled

    def check_resources(self, resource_names: tuple[str, ...]) -> None:
        """Refuse resources that the game does not declare.

        Raises:
            ValueError: an unknown resource, with its key. Ignoring it would make the action free.
        """
        for family in type(self).model_fields:
            config = getattr(self, family)
            if not isinstance(config, ActionConfig):
                continue
            lists = config.lists() if config.enabled else {}
            for table, names in {**config.tables(), **lists}.items():
                key = f"game.actions.{family}.{table}"
                check_names(key, names, resource_names, what="resource", declared_in="game.resource_names")

    def check_blocks(self, blocks: Collection[str]) -> None:
        """Refuse names that are no blocks of the game.

        Raises:
            ValueError: an unknown block, with its key.
        """
        for family, config in (("place_block", self.place_block), ("pick_block", self.pick_block)):
            if config.enabled:
                key = f"game.actions.{family}.block"
                check_names(key, [config.block], blocks, what="block", declared_in="game.objects")


def _directed(family: str, directions: int) -> tuple[str, ...]:
    return tuple(f"{family}_{orientation}" for orientation in ORIENTATIONS[:directions])
