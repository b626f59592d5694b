"""The rules of docs/mettagrid/teams.md once more, slowly: whose config holds, room that is shared, rewards, goals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from metta.mettagrid.config.agent import AgentConfig, GroupConfig
from metta.mettagrid.config.rewards import RewardTermConfig

if TYPE_CHECKING:
    from tests.mettagrid.oracle.agent import Agent
    from tests.mettagrid.oracle.world import Oracle


def group_of(oracle: Oracle, agent: Agent) -> GroupConfig:
    return next(group for group in oracle.game.groups.values() if group.id == agent.group)


def config_of(oracle: Oracle, agent: Agent) -> AgentConfig:
    return group_of(oracle, agent).agent or oracle.game.agent


def team_of(oracle: Oracle, agent: Agent) -> list[Agent]:
    return [other for other in oracle.agents if other.group == agent.group]


def room(oracle: Oracle, agent: Agent, resource: str, giver: Agent | None, now: bool) -> int:
    """Units that fit within every limit: the agent's own, those that resources share, and the team's.

    ``now``: between steps; within a step room that was made since its beginning does not count.
    """
    config, group = config_of(oracle, agent), group_of(oracle, agent)
    limits: list[tuple[int, list[Agent], Sequence[str]]] = [
        (config.resource_limits.get(resource, config.default_resource_limit), [agent], [resource])
    ]
    limits += [
        (shared.limit, [agent], shared.resources)
        for shared in config.shared_limits.values()
        if resource in shared.resources
    ]
    if resource in group.limits and (giver is None or giver.group != agent.group):
        limits.append((group.limits[resource], team_of(oracle, agent), [resource]))
    return max(0, min(limit - _used(holders, resources, now) for limit, holders, resources in limits))


def _used(holders: Sequence[Agent], resources: Sequence[str], now: bool) -> int:
    def held(inventory: Callable[[Agent], Counter[str]]) -> int:
        return sum(inventory(holder)[name] for holder in holders for name in resources)

    held_now = held(lambda holder: holder.inventory)
    return held_now if now else max(held_now, held(lambda holder: holder.held_at_start))


def give_initial_inventories(oracle: Oracle) -> None:
    """In the order of the agents, as far as the team has room."""
    for agent in oracle.agents:
        for name, amount in oracle.ordered(config_of(oracle, agent).initial_inventory):
            agent.inventory[name] += min(amount, room(oracle, agent, name, None, now=True))


def contributions(oracle: Oracle, agent: Agent, mode: str) -> float:
    """What the agent's reward terms of one mode are worth now."""
    terms = config_of(oracle, agent).rewards.all_terms()
    return sum(term.contribution(_value(agent, term)) for term in terms if term.mode == mode)


def _value(agent: Agent, term: RewardTermConfig) -> int:
    if term.resource:
        return agent.inventory[term.resource]
    return statistic(agent, term.stat)


def statistic(agent: Agent, name: str) -> int:
    resource, _, kind = name.rpartition(".")
    return agent.inventory[resource] if kind == "amount" else agent.stats[name]


def pay(oracle: Oracle, partakers: Sequence[bool]) -> None:
    """What each agent earned, then what sharing makes of it, then the totals.

    ``partakers``: who took part when the step began; nobody else earns, gives or gets.
    """
    earned: list[float] = []
    for agent, partakes in zip(oracle.agents, partakers, strict=True):
        now = contributions(oracle, agent, "delta")
        reward = now - agent.paid + contributions(oracle, agent, "tick") - agent.penalty
        earned.append(reward if partakes else 0.0)
        agent.paid = now
        agent.away_steps += agent.presence in ("down", "gone")
    for agent, reward in zip(oracle.agents, list(_shared(oracle, earned, partakers)), strict=True):
        agent.reward = reward
        agent.total += reward
        if reward > 0:
            agent.paid_at.append(oracle.step_count)


def _shared(oracle: Oracle, earned: Sequence[float], partakers: Sequence[bool]) -> Iterator[float]:
    matrix = oracle.game.reward_sharing
    for index, agent in enumerate(oracle.agents):
        if not partakers[index]:
            yield 0.0
            continue
        if matrix is not None:
            yield sum(weight * reward for weight, reward in zip(matrix[index], earned, strict=True))
            continue
        share = group_of(oracle, agent).reward_share
        team = [earned[other.index] for other in team_of(oracle, agent) if partakers[other.index]]
        yield (1 - share) * earned[index] + share * sum(team) / len(team)


def goal_is_met(oracle: Oracle) -> bool:
    return any(
        sum(statistic(agent, name) for agent in oracle.agents) >= threshold
        for name, threshold in oracle.game.terminate_when.items()
    )


def social_metrics(oracle: Oracle) -> dict[str, float]:
    """Efficiency, equality, sustainability and peace by their definitions (arXiv:1707.06600, section 2.4)."""
    returns = [agent.total for agent in oracle.agents]
    count, steps, size = len(returns), oracle.step_count, sum(map(abs, returns))
    differences = sum(abs(one - other) for one in returns for other in returns)
    times = [sum(agent.paid_at) / len(agent.paid_at) for agent in oracle.agents if agent.paid_at]
    frozen = sum(agent.stats["status.frozen.ticks"] + agent.away_steps for agent in oracle.agents)
    return {
        "social.efficiency": sum(returns) / steps,
        "social.equality": 1 - differences / (2 * count * size) if size > 1e-12 else 1.0,
        "social.sustainability": sum(times) / len(times) if times else 0.0,
        "social.peace": (count * steps - frozen) / steps,
    }
