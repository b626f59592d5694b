"""What an agent is rewarded for."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.limits import MAX_REWARD


class RewardTermConfig(Config):
    """A reward by name: ``min(max(weight * value, floor), cap)`` of the units held or of a statistic.

    ``delta`` pays the change since the last step, so that a loss takes the reward back; ``tick`` pays the whole
    contribution in every step.

    >>> RewardTermConfig(resource="heart", weight=0.5, cap=2.0).contribution(3), RewardTermConfig(stat="x").mode
    (1.5, 'delta')
    """

    resource: str = Field(default="", description="resource whose units held are weighed; or else stat")
    stat: str = Field(default="", description="agent statistic that is weighed; or else resource")
    weight: float = Field(default=1.0, ge=-MAX_REWARD, le=MAX_REWARD, description="reward per unit")
    cap: float | None = Field(
        default=None, ge=-MAX_REWARD, le=MAX_REWARD, description="most that it can contribute; none: no bound"
    )
    floor: float | None = Field(
        default=None, ge=-MAX_REWARD, le=MAX_REWARD, description="least that it can contribute; none: no bound"
    )
    mode: Literal["delta", "tick"] = Field(
        default="delta", description="delta: a step pays the change; tick: each step pays the contribution"
    )

    def contribution(self, value: float) -> float:
        """What ``value`` units are worth."""
        floored = self.weight * value if self.floor is None else max(self.weight * value, self.floor)
        return floored if self.cap is None else min(floored, self.cap)

    @model_validator(mode="after")
    def _weighs_one_thing(self) -> Self:
        if bool(self.resource) == bool(self.stat):
            raise ValueError(
                f"a reward term has resource={self.resource!r} and stat={self.stat!r}; expected exactly one of them. "
                "Remove the other from rewards.terms.<name>."
            )
        if self.cap is not None and self.floor is not None and self.floor > self.cap:
            raise ValueError(
                f"a reward term has floor={self.floor} above cap={self.cap}. Lower rewards.terms.<name>.floor."
            )
        return self


class RewardsConfig(Config):
    """Weights and caps. An entry contributes ``min(weight * value, cap)``; a step pays the change of their sum.

    ``inventory`` weighs how many units the agent holds now, ``stats`` one of its statistics (``docs/mettagrid.md``).
    Losing what was rewarded takes the reward back. A cap without a weight waits for one. ``terms`` says the same by
    name, and knows floors and rewards per tick.

    >>> RewardsConfig(inventory={"heart": 1.0}, inventory_max={"heart": 100.0}).inventory["heart"]
    1.0
    """

    inventory: dict[str, float] = Field(default={}, description="resource -> reward per unit held")
    inventory_max: dict[str, float] = Field(default={}, description="resource -> most that it can contribute")
    stats: dict[str, float] = Field(default={}, description="agent statistic -> reward per unit")
    stats_max: dict[str, float] = Field(default={}, description="agent statistic -> most that it can contribute")
    terms: dict[str, RewardTermConfig] = Field(default={}, description="name -> a reward with all its settings")

    @model_validator(mode="after")
    def _values_are_bounded(self) -> Self:
        for key in ("inventory", "inventory_max", "stats", "stats_max"):
            for name, value in getattr(self, key).items():
                if not abs(value) <= MAX_REWARD:
                    raise ValueError(
                        f"rewards.{key}.{name}={value}, expected -{MAX_REWARD:g} .. {MAX_REWARD:g}: sums of rewards "
                        "must stay finite. Change the unit; to lift a cap, remove it."
                    )
        return self

    def all_terms(self) -> tuple[RewardTermConfig, ...]:
        """Every entry of every table as a term, in the engine's order.

        >>> RewardsConfig(stats={"action.move.success": 0.1}).all_terms()[0].stat
        'action.move.success'
        """
        held = (
            RewardTermConfig(resource=name, weight=weight, cap=self.inventory_max.get(name))
            for name, weight in self.inventory.items()
        )
        counted = (
            RewardTermConfig(stat=name, weight=weight, cap=self.stats_max.get(name))
            for name, weight in self.stats.items()
        )
        return (*held, *counted, *self.terms.values())
