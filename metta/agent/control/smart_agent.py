"""SmartAgent: a network with its wrappers in one hand; WrapperTracker: what was put around what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from metta.agent.container import ComponentContainer
from metta.agent.module import Data, MettaModule
from metta.agent.wrappers.base import Role, WrapperModule, unwrapped, wrappers_of


class WrapperTracker:
    """What is around each component of a network; it reads the network, so it is never out of date."""

    def __init__(self, network: ComponentContainer) -> None:
        self._network = network

    @property
    def wrapper_history(self) -> dict[str, list[str]]:
        """Class names of the wrappers by component, in the order in which they were put on; bare ones are left out."""
        stacks = {name: reversed(wrappers_of(component)) for name, component in self._network.items()}
        named = {name: [str(type(wrapper).__name__) for wrapper in stack] for name, stack in stacks.items()}
        return {name: names for name, names in named.items() if names}

    @property
    def active_wrappers(self) -> dict[str, set[str]]:
        """Class names of the wrappers that are switched on, by wrapped component."""
        return {
            name: {str(type(wrapper).__name__) for wrapper in wrappers_of(self._network[name]) if wrapper.active}
            for name in self.wrapper_history
        }

    def get_original_component(self, name: str) -> MettaModule | None:
        """The bare component; None where nothing is around it."""
        component = self._network.get_component(name)
        return unwrapped(component) if isinstance(component, WrapperModule) else None


class SmartAgent(nn.Module):
    """A network that hears training signals, with wrapping and unwrapping by name. All of it is the container's work.

    >>> import torch
    >>> from metta.agent.components.linear import LinearModule
    >>> network = ComponentContainer()
    >>> network.add_component("encoder", LinearModule(3, 8, "observation", "features"))
    >>> agent = SmartAgent(network)
    >>> _ = agent.wrap_component("encoder", "performance_monitoring")
    >>> agent({"observation": torch.zeros(1, 3), "_frozen_components": ["encoder"]})["_component_status"]
    {'encoder': 'frozen'}
    >>> agent.unwrap_component("encoder"), agent.unwrap_component("encoder")
    (True, False)
    """

    def __init__(self, network: ComponentContainer) -> None:
        super().__init__()
        self.network = network
        self.wrapper_tracker = WrapperTracker(network)

    def forward(self, tensordict: Data) -> Data:
        """Carry out the signals in ``tensordict``, run the network, write outputs and reports into it."""
        return self.network(tensordict)

    def wrap_component(
        self, name: str, kind: str | type[WrapperModule], config: Mapping[str, Any] | None = None
    ) -> WrapperModule:
        """Put a wrapper, by type or class, around the component."""
        return self.network.wrap_component(name, kind, config)

    def unwrap_component(self, name: str) -> bool:
        """Take all wrappers off the component; False when it had none."""
        return self.network.unwrap_component(name)

    def get_clean_network(self, keep: Iterable[Role] = ()) -> ComponentContainer:
        """The bare components with the same weights; this network stays as it is."""
        return self.network.get_clean_network(tuple(keep))
