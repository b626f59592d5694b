"""Flat actions as (family, argument) pairs and back: the one table behind ``Discrete`` and ``MultiDiscrete`` spaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metta.mettagrid.config.game import GameConfig

INVALID = -1
"""What a pair outside the table becomes. The engine counts it as ``action.invalid_index``; the action fails."""


@dataclass(frozen=True, slots=True)
class ActionTable:
    """Every flat action's family and argument. A family is one kind of action: ``move``, ``attack``.

    Flat index f is argument ``arguments[f]`` of family ``families[f]``; arguments count from 0 within a family in flat
    order. Families that are switched off are not there.

    >>> table = ActionTable.from_game(GameConfig(profile="use"))
    >>> table.family_names, table.max_argument
    (('noop', 'move'), 3)
    >>> table.to_flat(np.array([[1, 3], [0, 2]]))
    array([ 4, -1], dtype=int32)
    >>> table.to_pairs(np.array([4]))
    array([[1, 3]], dtype=int32)
    """

    names: tuple[str, ...]
    family_names: tuple[str, ...]
    families: NDArray[np.int32]
    arguments: NDArray[np.int32]
    flat: NDArray[np.int32]

    @classmethod
    def from_game(cls, game: GameConfig) -> ActionTable:
        """The table of a game, in the order of its families."""
        families = game.actions.families()
        return cls.from_names(game.actions.names(), [family for family, variants in families.items() for _ in variants])

    @classmethod
    def from_names(cls, names: tuple[str, ...], family_of: list[str]) -> ActionTable:
        """The table of flat ``names`` whose families are ``family_of``, in flat order."""
        family_names = tuple(dict.fromkeys(family_of))
        sizes = dict.fromkeys(family_names, 0)
        arguments: list[int] = []
        for family in family_of:
            arguments.append(sizes[family])
            sizes[family] += 1
        families = [family_names.index(family) for family in family_of]
        flat = np.full((len(family_names), max(sizes.values())), INVALID, dtype=np.int32)
        flat[families, arguments] = np.arange(len(names))
        table = (np.array(families, dtype=np.int32), np.array(arguments, dtype=np.int32), flat)
        for array in table:
            array.setflags(write=False)
        return cls(names, family_names, *table)

    @property
    def num_actions(self) -> int:
        """Number of flat actions."""
        return len(self.names)

    @property
    def max_argument(self) -> int:
        """Largest argument of any family."""
        return self.flat.shape[1] - 1

    @property
    def shape(self) -> tuple[int, int]:
        """``nvec`` of the ``MultiDiscrete`` space: (families, largest argument + 1)."""
        return self.flat.shape[0], self.flat.shape[1]

    def to_flat(self, pairs: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
        """Flat indices of pairs; ``INVALID`` for an argument that the family does not have.

        Shapes: ``pairs [..., 2]`` integers within ``shape`` -> ``[...] int32``.
        """
        return self.flat[pairs[..., 0], pairs[..., 1]]

    def to_pairs(self, flat: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
        """(family, argument) of flat indices. Shapes: ``flat [...]`` integers -> ``[..., 2] int32``."""
        return np.stack([self.families[flat], self.arguments[flat]], axis=-1)

    def pair_mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """What a pair-wise policy may choose, each dimension for itself: ``families + arguments`` flags.

        A family is allowed when one of its actions is; an argument when some allowed action has it. (A pair of two
        allowed parts may still be masked out: the table is no product.) Shapes: ``mask [..., A]`` -> ``[..., F + M]``.
        """
        grid = np.zeros((*mask.shape[:-1], *self.shape), dtype=np.bool_)
        grid[..., self.families, self.arguments] = mask
        return np.concatenate([grid.any(axis=-1), grid.any(axis=-2)], axis=-1)
