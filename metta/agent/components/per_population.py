"""PerPopulation: a copy of a component for each population of agents; each row goes through the copy of its own."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from metta.agent.construct import key_arguments, missing_arguments, unknown_arguments
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.agent.network_config import ComponentConfig
from metta.agent.wrappers.base import WrapperModule
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError, ShapeContractError

POPULATION_KEY = "population"
"""Index of each row's population; a policy supplies it."""


class PerPopulation(MettaModule):
    """A copy of a component for each population; a row goes through the copy of its own, and teaches only that one.

    The copies are there from the start, with equal weights (averaging works from a common start: arXiv:1602.05629,
    sec. 2), and stay: training control decides who belongs to which population, whether all share the first copy
    (``shared``), and when the copies are averaged. ``inner`` is ``{class: name, config: {...}}`` or an instance, which
    is copied. A compiled, exported or captured graph runs all copies on all rows and chooses afterwards.

    Shapes: those of ``inner``, and ``population [...] int64``: one per row.

    >>> from metta.agent.components.linear import LinearModule
    >>> policy = PerPopulation(LinearModule(3, 2, "features", "logits"), ["explorers", "guardians"])
    >>> rows = {"features": torch.randn(4, 3), "population": torch.tensor([0, 1, 1, 0])}
    >>> policy(rows)["logits"].shape
    torch.Size([4, 2])

    Raises:
        ConfigError: ``inner`` is recurrent, is wrapped or reads ``population``; names of populations do not fit.
    """

    def __init__(
        self,
        inner: MettaModule | Mapping[str, Any],
        populations: Sequence[str],
        in_keys: Sequence[str] = (),
        out_keys: Sequence[str] = (),
    ) -> None:
        component = inner if isinstance(inner, MettaModule) else _made(inner, in_keys, out_keys)
        _check(component, populations)
        read = list(map(str, component.in_keys))
        super().__init__(
            [*read, POPULATION_KEY],
            map(str, component.out_keys_source),
            input_shapes={**component.input_shapes, POPULATION_KEY: ()},
            output_shapes=component.output_shapes,
        )
        self.populations = tuple(populations)
        self.shared = False
        self.copies = nn.ModuleDict({name: copy.deepcopy(component) for name in populations})
        self._read = read

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        """``inner``'s own arguments, inferred by its class."""
        inner = config.get("inner")
        if not isinstance(inner, Mapping):
            return dict(config)
        name, inner_class, given = _parts(inner)
        own = [key for key in in_keys if key != POPULATION_KEY]
        if faults := unknown_arguments(inner_class, given, spec):
            raise ConfigError(f"inner: {' '.join(faults)}")
        completed = inner_class.infer(given, own, shapes, spec)
        if missing := missing_arguments(inner_class, completed):
            raise ConfigError(
                f"inner: {name} needs {missing}, which config does not say and which cannot be inferred from in_keys "
                f"{own}. Say them in inner.config, or name the in_keys."
            )
        return {**config, "inner": {"class": name, "config": completed}}

    def copy_of(self, population: str) -> MettaModule:
        """The copy of that population."""
        found = self.copies[population]
        assert isinstance(found, MettaModule)
        return found

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        copies = [self.copy_of(name) for name in self.populations]
        if self.shared or len(copies) == 1:
            return copies[0]._compute({key: td[key] for key in self._read})
        population = td[POPULATION_KEY]
        inputs = {key: td[key] for key in self._read}
        if _is_static(population):
            return _choose(population, [each._compute(inputs) for each in copies])
        return self._route(population, inputs, copies)

    def _route(
        self, population: Tensor, inputs: Mapping[str, Tensor], copies: Sequence[MettaModule]
    ) -> dict[str, Tensor]:
        """Each copy on its own rows only; results go back to their rows."""
        dims, flat = population.ndim, population.reshape(-1)
        rows = [(flat == index).nonzero().squeeze(1) for index in range(len(copies))]
        if sum(map(len, rows)) != len(flat):
            raise ShapeContractError(
                f"PerPopulation read {POPULATION_KEY!r} with values {flat.min().item()} .. {flat.max().item()}; "
                f"expected 0 .. {len(copies) - 1} for {list(self.populations)}."
            )
        present = [index for index, own in enumerate(rows) if len(own)]
        if len(present) <= 1:
            return copies[present[0] if present else 0]._compute(inputs)
        flattened = {key: value.reshape(len(flat), *value.shape[dims:]) for key, value in inputs.items()}
        parts = [
            copies[index]._compute({key: value.index_select(0, rows[index]) for key, value in flattened.items()})
            for index in present
        ]
        order = torch.cat([rows[index] for index in present])
        back = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
        outputs: dict[str, Tensor] = {}
        for key in map(str, self.out_keys_source):
            whole = torch.cat([part[key] for part in parts]).index_select(0, back)
            outputs[key] = whole.reshape(*population.shape, *whole.shape[1:])
        return outputs

    def average(self, agents: Sequence[int]) -> None:
        """Set every copy to the mean of all, weighted by ``agents``, one count per population.

        Optimizer moments are the caller's, and stay. Counters (integer buffers) are those of the largest population.
        Source: federated averaging, arXiv:1602.05629 eq. 1 and algorithm 1, data per client taken as agents.
        """
        copies = [self.copies[name] for name in self.populations]
        total = sum(agents)
        largest = max(range(len(copies)), key=lambda index: agents[index])
        with torch.no_grad():
            for same in zip(*(each.state_dict(keep_vars=True).values() for each in copies), strict=True):
                mean = same[largest].detach().clone()
                if mean.is_floating_point():
                    mean = torch.stack([one.detach() * (n / total) for one, n in zip(same, agents, strict=True)]).sum(0)
                for one in same:
                    one.copy_(mean)


def _is_static(population: Tensor) -> bool:
    """Whether a graph is being recorded, whose shapes must not depend on values."""
    if population.is_meta or torch.compiler.is_compiling():
        return True
    return population.is_cuda and torch.cuda.is_current_stream_capturing()


def _choose(population: Tensor, outputs: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    chosen = dict(outputs[0])
    for index, output in enumerate(outputs[1:], start=1):
        for key, value in output.items():
            own = (population == index).reshape(*population.shape, *[1] * (value.ndim - population.ndim))
            chosen[key] = torch.where(own, value, chosen[key])
    return chosen


def _parts(inner: Mapping[str, Any]) -> tuple[str, type[MettaModule], dict[str, Any]]:
    from metta.agent.components.registry import component_class  # which holds this one too

    if not isinstance(inner.get("class"), str) or not set(inner) <= {"class", "config"}:
        raise ConfigError(f"inner must be {{class: name, config: {{...}}}}; got {dict(inner)}.")
    return inner["class"], component_class(inner["class"]), dict(inner.get("config") or {})


def _made(inner: Mapping[str, Any], in_keys: Sequence[str], out_keys: Sequence[str]) -> MettaModule:
    name, inner_class, arguments = _parts(inner)
    own = tuple(key for key in in_keys if key != POPULATION_KEY)
    keys = key_arguments(
        inner_class, ComponentConfig(name="inner", class_name=name, in_keys=own, out_keys=tuple(out_keys))
    )
    return inner_class(**{**arguments, **keys})


def _check(component: MettaModule, populations: Sequence[str]) -> None:
    who = type(component).__name__
    if component.memory_shapes or component.optional_keys or "first" in component.in_keys:
        raise ConfigError(
            f"PerPopulation got {who}, which is recurrent; expected a component without memory: steps of a segment "
            "could not be routed one by one. Put the recurrent component before it, shared by all, heads inside."
        )
    if isinstance(component, WrapperModule):
        raise ConfigError(f"PerPopulation got {who} around a component. Put the wrapper around the PerPopulation.")
    if POPULATION_KEY in component.in_keys:
        raise ConfigError(f"PerPopulation got {who}, which reads {POPULATION_KEY!r} itself. Use it as it is.")
    names = list(populations)
    bad = [name for name in names if not name or "." in name or hasattr(nn.ModuleDict, name)]
    if not names or bad or len(set(names)) < len(names):
        raise ConfigError(
            f"populations={names}: expected different names without dots that are no attributes of torch's ModuleDict"
            f"{f'; {bad} are not allowed' if bad else ''}."
        )
