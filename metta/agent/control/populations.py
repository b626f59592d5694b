"""Populations: which agent belongs to which, who shares weights, and when copies are averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from metta.agent.components.per_population import PerPopulation
from metta.agent.control.training_control import ALL, TrainingControl
from metta.agent.wrappers.base import unwrapped
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

if TYPE_CHECKING:
    from metta.agent.container import ComponentContainer

_AGENTS, _SHARED = "populations/agents", "populations/shared/"


class Populations:
    """The part of a network's controller that deals with its ``PerPopulation`` components.

    ``num_agents``: agents of one environment, once ``attach`` said so. Without a word from control the agents are split
    evenly, in order, every population has its own weights, and nothing is averaged.
    """

    def __init__(self, network: ComponentContainer) -> None:
        self.network = network
        self.num_agents: int | None = None
        self._counts: dict[str, int] = {}
        self._sync: dict[str, list[int]] = {}

    # --- what there is --------------------------------------------------------------------------------------------

    def components(self) -> dict[str, PerPopulation]:
        """The components that hold a copy for each population."""
        bare = {name: unwrapped(component) for name, component in self.network.items()}
        return {name: component for name, component in bare.items() if isinstance(component, PerPopulation)}

    def attach(self, num_agents: int) -> None:
        """Say how many agents an environment has.

        Raises:
            ConfigError: components disagree about the populations.
        """
        self._check_names()
        self.num_agents = num_agents

    @property
    def names(self) -> tuple[str, ...]:
        """The populations, in their order; empty without such components.

        Raises:
            ConfigError: components disagree about them.
        """
        return self._check_names()

    def counts(self, num_agents: int) -> list[int]:
        """Agents of each population in an environment of ``num_agents``."""
        return [self.members(num_agents).count(index) for index in range(len(self.names))]

    def members(self, num_agents: int) -> list[int]:
        """The population's index of each agent. Agents beyond the counts belong to the last population named."""
        names = self.names
        if not self._counts:
            return [agent * len(names) // num_agents for agent in range(num_agents)]
        given = [index for index, name in enumerate(names) for _ in range(self._counts.get(name, 0))]
        return (given + given[-1:] * num_agents)[:num_agents]

    # --- intent ---------------------------------------------------------------------------------------------------

    def check(self, control: TrainingControl) -> list[str]:
        """What of ``control`` does not fit; components that the network lacks are told by the controller."""
        there = self.components()
        faults: list[str] = []
        for field in ("parameter_sharing", "sync_frequency"):
            for name in getattr(control, field) or {}:
                if (name in self.network and name not in there) or (name == ALL and not there):
                    faults.append(f"{field} names {name!r}, which is no PerPopulation component; there are {[*there]}.")
        return faults + self._check_agents(control.agent_populations or {})

    def _check_agents(self, wanted: Mapping[str, int]) -> list[str]:
        names = self.names
        if wanted and not names:
            return ["agent_populations needs a component that holds weights per population; this network has none."]
        faults = [
            f"agent_populations names population {name!r}; there are {list(names)}.{did_you_mean(name, names)}"
            for name in wanted
            if name not in names
        ]
        if self.num_agents is not None and (total := sum(wanted.values())) > self.num_agents:
            faults.append(f"agent_populations has {total} agents; an environment has {self.num_agents}.")
        return faults

    def apply(self, control: TrainingControl) -> None:
        """Carry it out; it was checked."""
        if control.agent_populations is not None:
            self._counts = dict(control.agent_populations)
        for name, sharing in self._each(control.parameter_sharing).items():
            self._set_shared(name, shared=sharing == "all_agents")
        for name, every in self._each(control.sync_frequency).items():
            before = self._sync.pop(name, [0, 0])
            if every:
                self._sync[name] = [every, before[1] if before[0] == every else 0]

    def reset(self) -> None:
        """Forget what was asked for; weights stay as they are."""
        self._counts, self._sync = {}, {}
        for name in self.components():
            self._set_shared(name, shared=False)

    # --- carrying out ---------------------------------------------------------------------------------------------

    def of_rows(self, rows: slice | Tensor | None, batch: int, device: torch.device) -> Tensor:
        """Population of each of ``batch`` rows, ``[batch] int64``; row r is agent r modulo ``num_agents``."""
        assert self.num_agents is not None, "a policy attaches itself when it is made"
        table = torch.tensor(self.members(self.num_agents), device=device)
        if not isinstance(rows, Tensor):
            start, step = (rows.start or 0, rows.step or 1) if rows is not None else (0, 1)
            rows = torch.arange(start, start + batch * step, step, device=device)
        return table[rows.to(device) % self.num_agents]

    def after_epoch(self) -> list[str]:
        """Count an epoch, and average the components whose turn it is, unless frozen; returns their names."""
        averaged: list[str] = []
        for name, (every, done) in list(self._sync.items()):
            self._sync[name][1] = (done + 1) % every
            if done + 1 < every or self.network.controller.is_frozen(name):
                continue
            component = self.components()[name]
            weights = [int(index == 0) for index in range(len(self.names))]
            component.average(weights if component.shared else self.counts(self.num_agents or len(self.names)))
            averaged.append(name)
        return averaged

    def report(self) -> dict[str, dict[str, Any]]:
        """What is in force, by component; only those that control has said something about."""
        counts = {"agents": dict(self._counts)} if self._counts else {}
        found: dict[str, dict[str, Any]] = {}
        for name, component in self.components().items():
            own: dict[str, Any] = dict(counts)
            if component.shared:
                own["sharing"] = "all_agents"
            if name in self._sync:
                own["sync_frequency"] = self._sync[name][0]
            if own:
                found[name] = own
        return found

    # --- state ----------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        shared = [name for name, component in self.components().items() if component.shared]
        return {
            "agents": dict(self._counts),
            "shared": shared,
            "sync": {name: list(state) for name, state in self._sync.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved state.

        Raises:
            ConfigError: the network lacks one of its components or populations.
        """
        there = self.components()
        gone = [name for name in (*state["shared"], *state["sync"]) if name not in there]
        gone += [name for name in state["agents"] if name not in self.names]
        if gone:
            raise ConfigError(
                f"the saved state has per-population components or populations {gone}, this network "
                f"has {[*there]} with {list(self.names)}. Was policy_architecture changed since the run began?"
            )
        self._counts = dict(state["agents"])
        self._sync = {name: list(pair) for name, pair in state["sync"].items()}
        for name in there:
            self._set_shared(name, shared=name in state["shared"])

    def behavior_state(self) -> dict[str, Tensor]:
        """What of it outputs depend on, as tensors that a saved policy can hold; empty where nothing was said."""
        found: dict[str, Tensor] = {}
        if self._counts:
            found[_AGENTS] = torch.tensor([self._counts.get(name, 0) for name in self.names])
        for name, component in self.components().items():
            if component.shared:
                found[_SHARED + name] = torch.tensor([1])
        return found

    def load_behavior_state(self, state: Mapping[str, Tensor]) -> None:
        """Go back to what ``behavior_state`` told."""
        if _AGENTS in state:
            counts: Sequence[int] = state[_AGENTS].tolist()
            self._counts = {name: count for name, count in zip(self.names, counts, strict=True) if count}
        for name in self.components():
            self._set_shared(name, shared=_SHARED + name in state)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _check_names(self) -> tuple[str, ...]:
        everywhere = [module for module in self.network.modules() if isinstance(module, PerPopulation)]
        lists = {module.populations for module in everywhere}
        if len(lists) > 1:
            raise ConfigError(
                f"PerPopulation components have the populations {[list(one) for one in sorted(lists)]}; expected the "
                "same names in the same order in all of them, since one `population` index routes them all."
            )
        return next(iter(lists), ())

    def _each(self, values: Mapping[str, Any] | None) -> dict[str, Any]:
        if not values:
            return {}
        named = {name: value for name, value in values.items() if name != ALL}
        return {**(dict.fromkeys(self.components(), values[ALL]) if ALL in values else {}), **named}

    def _set_shared(self, name: str, *, shared: bool) -> None:
        component = self.components()[name]
        if component.shared != shared:
            component.shared = shared
            self.network.version += 1  # executors hold what they recorded
