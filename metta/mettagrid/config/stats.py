"""Names of the statistics that the engine keeps for each agent. Rewards may weigh any of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

SYSTEM_STATS: Final[Mapping[str, tuple[str, ...]]] = {
    "upkeep": ("upkeep.unpaid",),
    "clipper": ("clipper.unclipped",),
    "health": ("health.deaths", "health.kills"),
}
"""What each world system counts, in the order of ``SystemsConfig``."""

_HANDLING = {"put_items": "put", "get_items": "get"}


def agent_stat_names(
    resource_names: Iterable[str],
    action_families: Iterable[str],
    systems: Iterable[str] = (),
    statics: Iterable[str] = (),
    object_stats: Iterable[str] = (),
) -> tuple[str, ...]:
    """Every agent statistic of a game, in the engine's slot order. ``statics``: its walls and blocks.

    >>> agent_stat_names(["ore"], ["noop"])
    ('ore.gained', 'ore.lost', 'ore.amount', 'action.invalid_index', 'status.frozen.ticks', 'action.noop.success', \
'action.noop.failed')
    """
    resources = tuple(resource_names)
    names = [f"{resource}.{kind}" for resource in resources for kind in ("gained", "lost", "amount")]
    names += ["action.invalid_index", "status.frozen.ticks", *object_stats]
    for family in action_families:
        names += [f"action.{family}.{outcome}" for outcome in ("success", "failed")]
        if family in _HANDLING:
            names += [f"{resource}.{_HANDLING[family]}" for resource in resources]
        elif family == "attack":
            names += ["attack.hit", "attack.blocked", *(f"attack.stolen.{resource}" for resource in resources)]
        elif family == "swap":
            names += [f"action.swap.{thing}" for thing in ("agent", *statics)]
        elif family == "shield":
            names += ["shield.upkeep", "shield.damage", "attack.shielded"]
        elif family in ("share", "transfer"):
            names += [f"{family}.given.{resource}" for resource in resources]
    for system in systems:
        names += SYSTEM_STATS.get(system, ())
    return tuple(names)
