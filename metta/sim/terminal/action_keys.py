"""Which key does which action: made from the names of the actions that a game has."""

from __future__ import annotations

from collections.abc import Sequence

from metta.mettagrid.config.actions import ORIENTATIONS

_MOVE_KEYS = ("up", "down", "left", "right", "home", "page_up", "end", "page_down")
_TURN_KEYS = ("i", "k", "j", "l", "u", "o", "m", ",")
"""Around the middle of the keyboard, in the order of ``ORIENTATIONS``::

    u i o
    j . l
    m k ,
"""
_ONE_KEY = {
    "put_items": ("d", "put"),
    "get_items": ("g", "get"),
    "swap": ("w", "swap"),
    "shield": ("h", "shield"),
    "share": ("s", "share"),
    "place_block": ("b", "place"),
    "pick_block": ("v", "pick up"),
}
_CHOICES = {"change_color": ("c", "colour"), "change_glyph": ("f", "glyph"), "transfer": ("t", "give")}
"""Families whose variants share a key; the capital letter chooses the next variant."""
_SHIFTS = ("+1", "-1", "+63", "-63")
"""What the variants of ``change_color`` do, for the hint."""

_ALWAYS = (". wait", "tab agent", "space run/pause", "+- speed", "q quit")


class ActionKeys:
    """Keys for every action of a game, and none for what the game does not have.

    >>> keys = ActionKeys(("noop", "move_north", "put_items", "transfer_ore", "transfer_heart"))
    >>> keys.action_of("d"), keys.action_of("a"), keys.action_of("t")
    ('put_items', None, 'transfer_ore')
    >>> keys.choose("T"), keys.action_of("t")
    (True, 'transfer_heart')
    """

    def __init__(self, action_names: Sequence[str]) -> None:
        names = tuple(action_names)
        self._keys = {".": "noop", "x": "noop"}
        for family, keys in (("move", _MOVE_KEYS), ("rotate", _TURN_KEYS)):
            directions = zip(keys, ORIENTATIONS, strict=True)
            self._keys |= {key: f"{family}_{way}" for key, way in directions if f"{family}_{way}" in names}
        self._keys |= {key: action for action, (key, _) in _ONE_KEY.items() if action in names}
        self._keys |= {str(cell): f"attack_{cell}" for cell in range(9) if f"attack_{cell}" in names}
        self._variants = {
            family: found
            for family in _CHOICES
            if (found := tuple(name for name in names if name.startswith(f"{family}_")))
        }
        self._chosen = dict.fromkeys(self._variants, 0)

    def action_of(self, key: str) -> str | None:
        """The action of a key; None when the game has none for it."""
        for family, variants in self._variants.items():
            if key == _CHOICES[family][0]:
                return variants[self._chosen[family]]
        return self._keys.get(key)

    def choose(self, key: str) -> bool:
        """React to a capital letter that chooses another variant; whether it was one."""
        for family, variants in self._variants.items():
            if key == _CHOICES[family][0].upper() and len(variants) > 1:
                self._chosen[family] = (self._chosen[family] + 1) % len(variants)
                return True
        return False

    def hint(self) -> str:
        """The keys that the game has, two spaces between them."""
        items: list[str] = []
        if "up" in self._keys:
            items.append("arrows home/end/pgup/pgdn move" if "home" in self._keys else "arrows move")
        if "i" in self._keys:
            items.append("uiojlmk, turn" if "u" in self._keys else "ijkl turn")
        if "0" in self._keys:
            items.append("a attack")
        items += [f"{key} {word}" for action, (key, word) in _ONE_KEY.items() if self._keys.get(key) == action]
        items += [self._choice(family) for family in self._variants]
        return "  ".join((*items, *_ALWAYS))

    def _choice(self, family: str) -> str:
        (key, word), variants = _CHOICES[family], self._variants[family]
        variant = variants[self._chosen[family]].removeprefix(f"{family}_")
        shown = _SHIFTS[int(variant)] if family == "change_color" else variant
        return f"{key} {word} {shown}" + (f" ({key.upper()} other)" if len(variants) > 1 else "")
