"""Agents that die, come back, enter and leave: health and population of docs/mettagrid/systems.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.mettagrid.oracle.agent import Agent
from tests.mettagrid.oracle.teams import config_of
from tests.mettagrid.philox import below

if TYPE_CHECKING:
    from tests.mettagrid.oracle.systems import Streams
    from tests.mettagrid.oracle.world import Oracle

PLACEMENT, POPULATION = 8, 9
"""Purposes of the streams."""


def run_health(oracle: Oracle, streams: Streams) -> None:
    health = oracle.game.systems.health
    if health is None:
        return
    for agent in oracle.agents:
        if agent.cell is not None and agent.inventory[health.resource] == 0:
            _die(oracle, agent)
    for agent in oracle.agents:
        if agent.presence == "down" and oracle.step_count - agent.since >= (health.respawn_ticks or 0):
            _respawn(oracle, agent, streams)


def _die(oracle: Oracle, agent: Agent) -> None:
    health = oracle.game.systems.health
    assert health is not None
    agent.stats["health.deaths"] += 1
    if health.on_death == "lose":
        for name in oracle.game.resource_names:
            if name not in config_of(oracle, agent).soul_bound_resources:
                agent.lose(name, agent.inventory[name])
    _take_away(oracle, agent, "gone" if health.respawn_ticks is None else "down")


def _take_away(oracle: Oracle, agent: Agent, presence: str) -> None:
    agent.cell, agent.presence, agent.since = None, presence, oracle.step_count
    agent.frozen, agent.shield = 0, False


def _put_back(oracle: Oracle, agent: Agent, at_home: bool, streams: Streams) -> bool:
    if at_home and oracle.what_is_at(agent.home) is None:
        agent.cell = agent.home
    elif free := oracle.free_cells():
        agent.cell = free[below(streams(PLACEMENT, agent.index), len(free))]
    else:
        return False  # it tries again at the end of the next step
    agent.presence = "here"
    return True


def _respawn(oracle: Oracle, agent: Agent, streams: Streams) -> None:
    health = oracle.game.systems.health
    assert health is not None
    if not _put_back(oracle, agent, health.respawn_at == "start", streams):
        return
    for name, amount in oracle.ordered(config_of(oracle, agent).initial_inventory):
        if health.restock or name == health.resource:
            missing = max(0, amount - agent.inventory[name])
            agent.gain(name, min(missing, oracle.room_next(agent, name)))


def start_population(oracle: Oracle) -> None:
    population = oracle.game.systems.population
    if population and population.initial_agents is not None:
        for agent in oracle.agents[population.initial_agents :]:
            _take_away(oracle, agent, "waiting")


def run_population(oracle: Oracle, streams: Streams) -> None:
    population, now = oracle.game.systems.population, oracle.step_count
    for agent in oracle.agents:
        agent.just_entered = False
    if population is None:
        return
    for agent in oracle.agents:
        stayed = population.stay is not None and now - agent.entered >= population.stay
        if agent.takes_part and (stayed or _has_reached_goal(oracle, agent)):
            _take_away(oracle, agent, "gone")
    for _ in range(population.leave_steps.count(now)):
        if present := [agent for agent in oracle.agents if agent.takes_part]:
            _take_away(oracle, min(present, key=lambda agent: agent.entered), "gone")
    _let_in(oracle, streams)


def _has_reached_goal(oracle: Oracle, agent: Agent) -> bool:
    population = oracle.game.systems.population
    goal = population.goal if population else {}
    return bool(goal) and agent.cell is not None and all(agent.inventory[name] >= n for name, n in goal.items())


def _let_in(oracle: Oracle, streams: Streams) -> None:
    population = oracle.game.systems.population
    assert population is not None
    initial = len(oracle.agents) if population.initial_agents is None else population.initial_agents
    scheduled = oracle.agents[initial : initial + len(population.enter_steps)]
    for agent, due in zip(scheduled, population.enter_steps, strict=True):
        if due <= oracle.step_count and agent.presence == "waiting":
            _enter(oracle, agent, streams)
    if population.enter_rate and next(streams(POPULATION, 0)) < population.enter_rate * 2**32:
        others = oracle.agents[initial + len(population.enter_steps) :]
        if agent := next((agent for agent in others if agent.presence == "waiting"), None):
            _enter(oracle, agent, streams)


def _enter(oracle: Oracle, agent: Agent, streams: Streams) -> None:
    if _put_back(oracle, agent, True, streams):
        agent.entered, agent.just_entered = oracle.step_count, True
