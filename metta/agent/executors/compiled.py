"""CompiledExecutor: the network as a straight line of Python, written for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from metta.agent.container import ComponentContainer
from metta.agent.executors.base import Executor
from metta.agent.module import TensorMap

Line = Callable[[TensorMap], dict[str, Tensor]]


class CompiledExecutor(Executor):
    """Calls the components one after the other without the container's loop and merging.

    ``source`` is the text of the line, for the curious. With ``torch_compile`` it goes through ``torch.compile`` as
    well, which takes a C++ compiler and a while at the first call of each shape.
    """

    name: ClassVar[str] = "compiled"

    def __init__(
        self, network: ComponentContainer, keep: Iterable[str] | None = None, *, torch_compile: bool = False
    ) -> None:
        super().__init__(network, keep)
        self.torch_compile = torch_compile
        self.source = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), torch_compile=self.torch_compile), (self.network, self.keep)

    def _plan(self) -> None:
        self.source = write_line(self.network)
        line = bind_line(self.network, self.source)
        self._run = cast(Any, torch.compile(line) if self.torch_compile else line)

    def _run(self, td: TensorMap) -> dict[str, Tensor]:
        raise AssertionError("replaced when planned")


def write_line(network: ComponentContainer) -> str:
    """The text of a function ``line(td)`` that runs the network's components in order.

    >>> from metta.agent.components.linear import LinearModule
    >>> network = ComponentContainer()
    >>> network.add_component("policy", LinearModule(3, 2, "features", "logits"))
    >>> print(write_line(network))
    def line(td):
        data = {'features': td['features']}
        out0 = component0(data)  # 'policy'
        return out0
    """
    inputs = ", ".join(f"{key!r}: td[{key!r}]" for key in network.in_keys)
    lines = ["def line(td):", f"    data = {{{inputs}}}"]
    order = network.execution_order
    for index, name in enumerate(order):
        lines.append(f"    out{index} = component{index}(data)  # {name!r}")
        if index < len(order) - 1:
            lines.append(f"    data.update(out{index})")
    lines.append(
        "    return out0" if len(order) == 1 else f"    return {' | '.join(f'out{i}' for i in range(len(order)))}"
    )
    return "\n".join(lines)


def bind_line(network: ComponentContainer, source: str) -> Line:
    """The function that ``source`` tells of, on the network's components."""
    names: dict[str, Any] = {
        f"component{index}": network.get_component(name)._compute for index, name in enumerate(network.execution_order)
    }
    code = compile(source, f"<straight line of {list(network.keys())}>", "exec")
    exec(code, names)
    return cast(Line, names["line"])
