"""Names of the statistics that the engine keeps for each agent. Rewards may weigh any of them."""

from __future__ import annotations

ACTION_FAMILIES = ("noop", "move", "attack")


def agent_stat_names(resource_names: tuple[str, ...]) -> tuple[str, ...]:
    """Every agent statistic of a game, in the engine's slot order.

    >>> agent_stat_names(("ore",))[:3]
    ('ore.gained', 'ore.lost', 'ore.amount')
    """
    names = [f"{resource}.{kind}" for resource in resource_names for kind in ("gained", "lost", "amount")]
    names += [f"action.{family}.{outcome}" for family in ACTION_FAMILIES for outcome in ("success", "failed")]
    names += ["action.invalid_index", "status.frozen.ticks", "attack.hit", "attack.blocked"]
    names += [f"attack.stolen.{resource}" for resource in resource_names]
    return tuple(names)
