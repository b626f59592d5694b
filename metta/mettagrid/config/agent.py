"""Agents and their groups: what they carry, alone and together, what freezes them, what they are rewarded for."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.checks import check_amounts, check_names, check_stats, check_unique
from metta.mettagrid.config.limits import MAX_AGENTS, MAX_AMOUNT, MAX_REWARD, MAX_TICKS, MAX_TOGETHER
from metta.mettagrid.config.rewards import RewardsConfig


class SharedLimitConfig(Config):
    """Several resources have one limit: an agent holds at most that many units of them together.

    >>> SharedLimitConfig(limit=3, resources=("ore_red", "ore_blue")).limit
    3
    """

    limit: int = Field(ge=0, le=MAX_TOGETHER, description="most units of all these resources together")
    resources: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        check_unique("shared_limits.<name>.resources", self.resources)
        return self


class AgentConfig(Config):
    """Every agent of a game.

    >>> AgentConfig(default_resource_limit=50, resource_limits={"heart": 255}).limit_of("heart")
    255
    """

    default_resource_limit: int = Field(
        default=255, ge=0, le=MAX_AMOUNT, description="most units of one resource that an agent holds"
    )
    resource_limits: dict[str, int] = Field(default={}, description="resource -> its own limit")
    shared_limits: dict[str, SharedLimitConfig] = Field(
        default={}, description="name -> resources that share a limit, besides their own ones"
    )
    freeze_duration: int = Field(default=10, ge=0, le=MAX_TICKS, description="steps that a hit blocks its target")
    initial_inventory: dict[str, int] = Field(default={}, description="resource -> units held at the start")
    soul_bound_resources: tuple[str, ...] = Field(default=(), description="resources that no attacker can loot")
    action_failure_penalty: float = Field(
        default=0.0, ge=0.0, le=MAX_REWARD, description="taken from the reward of a failed action"
    )
    rewards: RewardsConfig = RewardsConfig()

    def limit_of(self, resource: str) -> int:
        """The most units of ``resource`` that one agent can hold."""
        own = self.resource_limits.get(resource, self.default_resource_limit)
        return min([own, *(shared.limit for shared in self.shared_limits.values() if resource in shared.resources)])

    def check_resources(self, key: str, resource_names: tuple[str, ...], stats: tuple[str, ...]) -> None:
        """Refuse names that the game does not declare; ``key`` is where this config stands.

        Raises:
            ValueError: an unknown resource or statistic, with its key.
        """
        tables = {
            "resource_limits": self.resource_limits,
            "initial_inventory": self.initial_inventory,
            "soul_bound_resources": self.soul_bound_resources,
            "rewards.inventory": self.rewards.inventory,
            "rewards.inventory_max": self.rewards.inventory_max,
        }
        tables |= {f"shared_limits.{name}.resources": shared.resources for name, shared in self.shared_limits.items()}
        terms = self.rewards.terms.items()
        tables |= {f"rewards.terms.{name}.resource": (term.resource,) for name, term in terms if term.resource}
        for table, names in tables.items():
            check_names(f"{key}.{table}", names, resource_names, what="resource", declared_in="game.resource_names")
        for table, names in (("stats", self.rewards.stats), ("stats_max", self.rewards.stats_max)):
            check_stats(f"{key}.rewards.{table}", names, stats)
        for name, term in terms:
            check_stats(f"{key}.rewards.terms.{name}.stat", [term.stat] if term.stat else [], stats)

    @model_validator(mode="after")
    def _amounts_fit(self) -> Self:
        check_unique("agent.soul_bound_resources", self.soul_bound_resources)
        check_amounts("agent.resource_limits", self.resource_limits, least=0, most=MAX_AMOUNT)
        check_amounts("agent.initial_inventory", self.initial_inventory, least=0, most=MAX_AMOUNT)
        for name, amount in self.initial_inventory.items():
            if amount > self.limit_of(name):
                raise ValueError(
                    f"agent.initial_inventory.{name}={amount} exceeds the agent's limit of {self.limit_of(name)}. "
                    f"Raise agent.resource_limits.{name} or start with less."
                )
        for name, shared in self.shared_limits.items():
            start = sum(self.initial_inventory.get(resource, 0) for resource in shared.resources)
            if start > shared.limit:
                raise ValueError(
                    f"agent.initial_inventory holds {start} units of {list(shared.resources)}, more than "
                    f"agent.shared_limits.{name}.limit={shared.limit}. Raise it or start with less."
                )
        return self


class GroupConfig(Config):
    """A named group of agents: a team, or a kind of agent with rules of its own.

    >>> GroupConfig(id=0, count=3, limits={"heart": 10}, reward_share=0.5).count
    3
    """

    id: int = Field(ge=0, le=255, description="value of the feature agent:group")
    agent: AgentConfig | None = Field(default=None, description="the group's own agents; none: game.agent")
    count: int | None = Field(
        default=None,
        ge=0,
        le=MAX_AGENTS,
        description="agents of the group, on maps that do not place groups themselves; none: 0 if another group has it",
    )
    limits: dict[str, int] = Field(default={}, description="resource -> most units that the group holds together")
    reward_share: float = Field(
        default=0.0, ge=0.0, le=1.0, description="part of each agent's reward that is split evenly over the group"
    )

    @model_validator(mode="after")
    def _limits_fit(self) -> Self:
        check_amounts("groups.<name>.limits", self.limits, least=0, most=MAX_TOGETHER)
        return self
