"""Attacks of the reference game: shields, defense, hit points, freezing, loot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.mettagrid.oracle.agent import Agent
from tests.mettagrid.oracle.teams import config_of

if TYPE_CHECKING:
    from tests.mettagrid.oracle.world import Oracle


def attack(oracle: Oracle, agent: Agent, k: int) -> bool:
    target = oracle.agent_at(agent.cells_aimed_at()[k])
    if target is None:
        return False
    if target.shield and _shield_holds(oracle, target):
        agent.stats["attack.shielded"] += 1
        return True
    defense = oracle.game.actions.attack.defense_resources
    if defense and all(target.inventory[name] >= amount for name, amount in defense.items()):
        for name, amount in defense.items():
            target.lose(name, amount)
        agent.stats["attack.blocked"] += 1
        return True
    agent.stats["attack.hit"] += 1
    health = oracle.game.systems.health
    if health:
        damage = min(health.damage, target.inventory[health.resource])
        target.lose(health.resource, damage)
        agent.stats["health.kills"] += damage > 0 and target.inventory[health.resource] == 0
    if health is None or health.freezes:
        was_frozen = target.frozen > 0
        target.frozen = max(target.frozen, config_of(oracle, target).freeze_duration)
        if not was_frozen:
            _loot(oracle, agent, target)
    return True


def _shield_holds(oracle: Oracle, target: Agent) -> bool:
    """Whether the shield takes all of the damage; what it cannot take breaks it."""
    resource, damage = oracle.game.actions.shield.resource, oracle.game.actions.attack.damage
    taken = min(damage, target.inventory[resource])
    target.lose(resource, taken)
    target.stats["shield.damage"] += taken
    if target.inventory[resource] == 0:
        target.shield = False
    return taken == damage


def _loot(oracle: Oracle, agent: Agent, target: Agent) -> None:
    health = oracle.game.systems.health
    bound = {*config_of(oracle, target).soul_bound_resources, *([health.resource] if health else [])}
    for name in oracle.game.resource_names:
        if name not in bound:
            amount = min(target.inventory[name], oracle.room(agent, name, target))
            target.lose(name, amount)
            agent.gain(name, amount)
            agent.stats[f"attack.stolen.{name}"] += amount
