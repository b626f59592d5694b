"""All families of actions of the reference game, from docs/mettagrid/actions.md. Each tells whether it succeeded.

An action that fails changes nothing but, for a move, the way the agent looks.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any

from metta.mettagrid.config.actions import ORIENTATIONS, ActionConfig
from tests.mettagrid.oracle.agent import DELTAS, Agent, shifted, turned
from tests.mettagrid.oracle.attack import attack
from tests.mettagrid.oracle.thing import Costs, Thing, spare

if TYPE_CHECKING:
    from tests.mettagrid.oracle.world import Oracle


def config_of_family(oracle: Oracle, family: str) -> Any:
    return getattr(oracle.game.actions, family)


def needs(oracle: Oracle, family: str) -> dict[str, int]:
    """Units of each resource that must be held."""
    config = config_of_family(oracle, family)
    if not isinstance(config, ActionConfig):
        return {}
    prices = kept_back(oracle, family)
    names = {*prices, *config.required_resources}
    return {name: max(prices.get(name, 0), config.required_resources.get(name, 0)) for name in names}


def kept_back(oracle: Oracle, family: str) -> Costs:
    """The most that the action can cost."""
    prices = getattr(config_of_family(oracle, family), "consumed_resources", {})
    return {name: ceil(price) for name, price in prices.items()}


def perform(oracle: Oracle, agent: Agent, family: str, what: str) -> bool:
    """One action, less its price; ``what`` is its name after the family's."""
    if family == "move":
        agent.orientation = ORIENTATIONS.index(what)
    if any(agent.spendable(name) < amount for name, amount in needs(oracle, family).items()):
        return False
    return _FAMILIES[family](oracle, agent, what)


def use_thing(oracle: Oracle, agent: Agent, thing: Thing, how: str, kept: Costs) -> bool:
    """``how``: use, put or get. A clipped thing takes only what frees it."""
    if thing.clip == "free":
        return bool(getattr(thing, how)(oracle, agent, kept))
    clipper = oracle.game.systems.clipper
    assert clipper is not None
    if thing.clip == "paid" or how == "get":
        return False
    for name, amount in oracle.ordered(clipper.unclipping_resources):
        if spare(agent, name, kept) >= amount:
            agent.lose(name, amount)
            agent.stats["clipper.unclipped"] += 1
            thing.clip = "paid"
            return True
    return False


def _noop(oracle: Oracle, agent: Agent, what: str) -> bool:
    return True


def _move(oracle: Oracle, agent: Agent, what: str) -> bool:
    assert agent.cell is not None
    cell = shifted(agent.cell, DELTAS[what])
    if oracle.may_enter(cell):
        agent.cell = cell
        return True
    thing = oracle.things.get(cell)
    if oracle.game.actions.move.uses_objects and thing and oracle.agent_at(cell) is None:
        kept = kept_back(oracle, "move")
        if use_thing(oracle, agent, thing, "use", kept):
            return True
    if what not in ORIENTATIONS[:4]:
        for turn in (1, -1):
            beside = shifted(agent.cell, DELTAS[turned(what, turn)])
            if oracle.may_enter(beside):
                agent.cell = beside
                return True
    return False


def _rotate(oracle: Oracle, agent: Agent, what: str) -> bool:
    agent.orientation = ORIENTATIONS.index(what)
    return True


def _handle(family: str, how: str, statistic: str, sign: int) -> Callable[[Oracle, Agent, str], bool]:
    def handle(oracle: Oracle, agent: Agent, what: str) -> bool:
        thing = oracle.things.get(agent.ahead)
        if thing is None or oracle.agent_at(agent.ahead):
            return False
        before = agent.inventory.copy()
        done = use_thing(oracle, agent, thing, how, kept_back(oracle, family))
        for name in oracle.game.resource_names:
            agent.stats[f"{name}.{statistic}"] += max(0, sign * (agent.inventory[name] - before[name]))
        return done

    return handle


def _attack(oracle: Oracle, agent: Agent, what: str) -> bool:
    return attack(oracle, agent, int(what))


def _swap(oracle: Oracle, agent: Agent, what: str) -> bool:
    ahead, here = agent.ahead, agent.cell
    assert here is not None
    found = oracle.what_is_at(ahead)
    if found is None or found != agent.ahead_at_start:
        return False
    if found[0] == "agent":
        other = oracle.agents[int(found[1])]
        if not other.frozen or found[2] != "frozen":
            return False
        other.cell = here
        agent.stats["action.swap.agent"] += 1
    elif found[0] == "static" and getattr(oracle.game.objects[found[1]], "swappable", False):
        if here in oracle.things:
            return False  # nothing but agents enters a door
        oracle.walls[here] = oracle.walls.pop(ahead)
        agent.stats[f"action.swap.{found[1]}"] += 1
    else:
        return False
    agent.cell = ahead
    return True


def _change_color(oracle: Oracle, agent: Agent, what: str) -> bool:
    agent.color = (agent.color + (1, -1, 63, -63)[int(what)]) % 256
    return True


def _change_glyph(oracle: Oracle, agent: Agent, what: str) -> bool:
    agent.glyph = int(what)
    return True


def _shield(oracle: Oracle, agent: Agent, what: str) -> bool:
    config = oracle.game.actions.shield
    if not agent.shield and spare(agent, config.resource, kept_back(oracle, "shield")) < max(1, config.upkeep):
        return False
    agent.shield = not agent.shield
    return True


def _receiver(oracle: Oracle, agent: Agent) -> Agent | None:
    """The agent ahead, if it stood there when the step began."""
    found, before = oracle.what_is_at(agent.ahead), agent.ahead_at_start
    if found and isinstance(before, tuple) and found[:2] == before[:2] and found[0] == "agent":
        return oracle.agents[int(found[1])]
    return None


def _give(agent: Agent, other: Agent, family: str, name: str, units: int) -> None:
    agent.lose(name, units)
    other.gain(name, units)
    agent.stats[f"{family}.given.{name}"] += units


def _share(oracle: Oracle, agent: Agent, what: str) -> bool:
    other, kept, moved = _receiver(oracle, agent), kept_back(oracle, "share"), 0
    for name in oracle.game.actions.share.shareable_resources if other else ():
        assert other is not None
        units = min(agent.spendable(name) // 2, spare(agent, name, kept), oracle.room(other, name, agent))
        _give(agent, other, "share", name, units)
        moved += units
    return moved > 0


def _transfer(oracle: Oracle, agent: Agent, what: str) -> bool:
    other, units = _receiver(oracle, agent), oracle.game.actions.transfer.amounts[what]
    if other is None or spare(agent, what, kept_back(oracle, "transfer")) < units:
        return False
    if oracle.room(other, what, agent) < units:
        return False
    _give(agent, other, "transfer", what, units)
    return True


def _place_block(oracle: Oracle, agent: Agent, what: str) -> bool:
    ahead = agent.ahead
    if not oracle.is_inside(ahead) or oracle.what_is_at(ahead) or agent.ahead_at_start:
        return False
    oracle.walls[ahead] = oracle.game.actions.place_block.block
    return True


def _pick_block(oracle: Oracle, agent: Agent, what: str) -> bool:
    config, ahead = oracle.game.actions.pick_block, agent.ahead
    wanted = ("static", config.block, "")
    if oracle.what_is_at(ahead) != wanted or agent.ahead_at_start != wanted:
        return False
    del oracle.walls[ahead]
    for name, amount in oracle.ordered(config.returned_resources):
        agent.gain(name, min(amount, oracle.room(agent, name)))
    return True


_FAMILIES: dict[str, Callable[[Oracle, Agent, str], bool]] = {
    "noop": _noop,
    "move": _move,
    "rotate": _rotate,
    "put_items": _handle("put_items", "put", "put", -1),
    "get_items": _handle("get_items", "get", "get", 1),
    "attack": _attack,
    "swap": _swap,
    "change_color": _change_color,
    "change_glyph": _change_glyph,
    "shield": _shield,
    "share": _share,
    "transfer": _transfer,
    "place_block": _place_block,
    "pick_block": _pick_block,
}
