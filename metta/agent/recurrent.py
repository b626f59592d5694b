"""RecurrentModule: what all components with a memory share: keys, steps and segments, forgetting."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from metta.agent.components.inference import complete, size_of
from metta.agent.module import MEMORY_PREFIX, NEXT_MEMORY_PREFIX, MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec
from metta.common.errors import ShapeContractError

State = dict[str, Tensor]
"""Tensors ``[s, *shape]`` by the name of the part, one row per agent row."""
StateShapes = dict[str, tuple[int, ...]]


class RecurrentModule(MettaModule):
    """Reads features and the state before the first step, writes the core's output and the state after the last one.

    The state of a row is zeroed before each step whose ``first`` is true, also in the middle of a segment: nothing of
    an earlier episode can be felt. Subclasses say in ``state_shapes`` what they keep and implement ``run``; the same
    ``run`` serves one step (T = 1) and whole segments.

    Shapes (s segments of T steps, or B rows of one step): ``in_key [s, T, F]`` or ``[B, F]``, ``first [s, T] bool`` or
    ``[B]``, ``memory/<memory_name>_<part> [s or B, *shape] float32`` -> ``out_key [s, T, out_features]`` or ``[B,
    out_features]``, ``next_memory/<memory_name>_<part>``.

    Raises:
        ShapeContractError: ``first`` has other batch dimensions than the features.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        state_shapes: Mapping[str, tuple[int, ...]],
        in_key: str,
        out_key: str,
        *,
        first_key: str,
        memory_name: str,
    ) -> None:
        memory = {f"{memory_name}_{part}": shape for part, shape in state_shapes.items()}
        super().__init__(
            [in_key, first_key, *(MEMORY_PREFIX + name for name in memory)],
            [out_key, *(NEXT_MEMORY_PREFIX + name for name in memory)],
            input_shapes={in_key: (in_features,), **{MEMORY_PREFIX + k: v for k, v in memory.items()}},
            output_shapes={out_key: (out_features,), **{NEXT_MEMORY_PREFIX + k: v for k, v in memory.items()}},
            memory_shapes=memory,
        )
        self.in_key, self.first_key, self.out_key = in_key, first_key, out_key
        self.in_features, self.out_features = in_features, out_features
        self.state_shapes: StateShapes = dict(state_shapes)
        self.state_keys = {
            part: (f"{MEMORY_PREFIX}{memory_name}_{part}", f"{NEXT_MEMORY_PREFIX}{memory_name}_{part}")
            for part in state_shapes
        }

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        """``in_features`` is the last size of the first input."""
        return complete(config, in_features=size_of(shapes, in_keys))

    forgets: ClassVar[bool] = False
    """Whether ``run`` itself zeroes the state before the first step, too."""

    @abstractmethod
    def run(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """The recurrence over segments. ``state`` comes zeroed where ``first[:, 0]`` (as it was kept, if the class
        ``forgets``); it must not be written to.

        Shapes: ``x [s, T, F]``, ``first [s, T] bool``, ``state[part] [s, *shape]`` -> ``[s, T, out_features]`` and the
        state after the last step.
        """
        raise NotImplementedError

    def initial_state(self, num_rows: int, device: torch.device | str = "cpu") -> State:
        """Zeros: what a row starts with."""
        return {part: torch.zeros(num_rows, *shape, device=device) for part, shape in self.state_shapes.items()}

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        x, first = td[self.in_key], td[self.first_key]
        if first.shape != x.shape[:-1] or x.ndim not in (2, 3):
            raise ShapeContractError(
                f"{type(self).__name__} reads {self.in_key!r} [B, F] with {self.first_key!r} [B], or [s, T, F] with "
                f"[s, T]; got {list(x.shape)} with {list(first.shape)}."
            )
        single = x.ndim == 2
        if single:
            x, first = x.unsqueeze(1), first.unsqueeze(1)
        state = {part: td[key] for part, (key, _) in self.state_keys.items()}
        if not self.forgets:
            state = {part: forget(tensor, first[:, 0]) for part, tensor in state.items()}
        out, state = self.run(x, first, state)
        after = {key: state[part] for part, (_, key) in self.state_keys.items()}
        return {self.out_key: out.squeeze(1) if single else out, **after}


def forget(state: Tensor, rows: Tensor) -> Tensor:
    """``state [s, ...]`` with zeros in the ``rows [s] bool``, whatever stood there (NaN too)."""
    return state.masked_fill(rows.view(-1, *[1] * (state.ndim - 1)), 0.0)


def steps_since_reset(first: Tensor) -> Tensor:
    """How many steps ago each row's episode began; more than T where it began before the segment.

    Shapes: ``first [s, T] bool`` -> ``[s, T] int64``.

    >>> steps_since_reset(torch.tensor([[False, False, True, False]])).tolist()
    [[8, 9, 0, 1]]
    """
    horizon = first.shape[1]
    steps = torch.arange(horizon, device=first.device)
    begin = torch.where(first, steps, -2 * horizon)
    return steps - (begin if horizon == 1 else begin.cummax(1).values)


def chain_state_shapes(modules: Iterable[RecurrentModule]) -> StateShapes:
    """The states of several recurrences in one dict: part ``h`` of the second is ``1_h``."""
    return {
        f"{index}_{part}": shape for index, module in enumerate(modules) for part, shape in module.state_shapes.items()
    }


def state_of(index: int, state: State) -> State:
    """The state of module ``index`` in what ``chain_state_shapes`` laid out."""
    prefix = f"{index}_"
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}


def state_under(index: int, state: State) -> State:
    """The other way round: the state of module ``index`` under the names of the whole."""
    return {f"{index}_{part}": value for part, value in state.items()}
