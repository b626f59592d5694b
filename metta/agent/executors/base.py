"""Executor: another way to run a container, with the same results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

from torch import Tensor

from metta.agent.container import ComponentContainer
from metta.agent.module import Data, TensorMap


class Executor(ABC):
    """Runs the components of ``network``, whose weights and wrappers it shares.

    The first call, and the first one after a component was swapped or wrapped, goes through the network itself, which
    checks keys and shapes; then the executor plans anew. Outputs and gradients are those of the network (rtol 1e-5,
    atol 1e-6). An executor is no module and owns no parameters: keep, save and train the network.

    ``keep`` names the outputs that are wanted; None: all.
    """

    name: ClassVar[str]

    def __init__(self, network: ComponentContainer, keep: Iterable[str] | None = None) -> None:
        self.network = network
        self.keep = None if keep is None else tuple(keep)
        self._version = -1

    def run(self, td: TensorMap) -> dict[str, Tensor]:
        """The outputs by key. ``td`` is only read."""
        if self._version != self.network.version:
            outputs = self.network.validate(td)
            self._plan()
            self._version = self.network.version
            return outputs
        return self._run(td)

    def __call__(self, td: Data) -> Data:
        """Run, write the outputs into ``td`` and return it, as the network does; training signals are heard too."""
        if any(str(key).startswith("_") for key in td.keys()):  # noqa: SIM118 - a TensorDict iterates over its batch
            return self.network(td)
        for key, value in self.run(td).items():
            td[key] = value
        return td

    @abstractmethod
    def _plan(self) -> None:
        """Read the network's components and order."""

    @abstractmethod
    def _run(self, td: TensorMap) -> dict[str, Tensor]:
        """The outputs, by the newest plan."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles are executors of the copied network: the plan holds the old one's components."""
        return type(self), (self.network, self.keep)
