"""The groups ``game``, ``maps`` and ``network``: no field has their name; a choice goes to places inside a tool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

GAME_GROUPS: Final = {"game": "", "maps": "game.map"}
"""Group -> the key within a game's config that a choice replaces; ``""``: the whole game."""


PLACED_GROUPS: Final = frozenset({*GAME_GROUPS, "network"})
"""All groups without a field of their name."""


def game_keys(tree: Mapping[str, Any], group: str) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Where a choice of ``group`` goes in a tool's tree: container, key in it, dotted path from the root.

    Games stand in ``training_env``, in ``simulation``, and in ``simulations`` of the tool or of its evaluator; those
    of foreign environments are left alone.
    """
    inside = GAME_GROUPS[group]
    for holder, path in _holders(tree):
        if not inside:
            yield holder, "env", f"{path}.env"
            continue
        game = holder["env"].setdefault("game", {})
        yield game, "map", f"{path}.env.{inside}"


def _holders(tree: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    evaluator = cast(Mapping[str, Any], tree.get("evaluator") or {})
    places = [("training_env", tree.get("training_env")), ("simulation", tree.get("simulation"))]
    for prefix, simulations in (("", tree.get("simulations")), ("evaluator.", evaluator.get("simulations"))):
        places += [(f"{prefix}simulations.{i}", one) for i, one in enumerate(cast(list[Any], simulations or []))]
    for path, holder in places:
        if isinstance(holder, dict) and _plays_a_game(cast(dict[str, Any], holder)):
            yield cast(dict[str, Any], holder), path


def _plays_a_game(holder: dict[str, Any]) -> bool:
    env = holder.get("env")
    return isinstance(env, dict) and "env_id" not in env
