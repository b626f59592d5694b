"""The batch of one epoch: one preallocated TensorDict, written step by step, read in whole segments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from tensordict import TensorDict
from torch import Tensor

from metta.common import _kernels
from metta.common.env_spec import EnvSpec
from metta.rl.staging import make_staging
from metta.rl.trainer_config import TrainerConfig

_OBS_DTYPES = {"uint8": torch.uint8, "float32": torch.float32}

Spec = Mapping[str, tuple[tuple[int, ...], torch.dtype]]


class Experience:
    """``S`` segments of ``T`` steps. The segments of one agent row lie next to each other in memory::

        row 0: [segment 0: t = 0 .. T-1][segment 1: t = T .. 2T-1] ... | row 1: [segment n] ...

    so that ``timeline(key)``, a view ``[rows, steps]``, is each row's whole rollout in order: advantages look across
    segment borders, and only the rollout's last step needs a bootstrap value.

    Column t belongs to the action chosen on ``env_obs[:, t]``: ``rewards``, ``terminated`` and ``truncated`` are what
    came back for it. ``valid`` is false where the action was ignored: the observation was an episode's last,
    or the row's agent was away (it waits to enter, or left for good).

    ``written_keys`` are what each step of a rollout writes when it acts.

    ``next_values`` is the value of the observation that came back, 0 where the episode terminated; filled in where a
    loss reads it. Keys of ``prepared_spec`` are written by losses between rollout and update.

    Shapes: ``env_obs [S, T, *obs_shape]``; ``action [S, T] int64``; ``act_log_prob``, ``values``, ``rewards``,
    ``advantages``, ``returns``, ``next_values [S, T] float32``; ``first``, ``terminated``, ``truncated``, ``valid
    [S, T] bool``; ``action_mask [S, T, A] bool`` where the environment has masks; ``memory/<name> [S, *shape]``: the
    policy's memory before each segment's first step; what the policy's ``experience_spec`` asks for ``[S, T, *shape]``.
    """

    def __init__(
        self,
        spec: EnvSpec,
        config: TrainerConfig,
        num_rows: int,
        *,
        device: torch.device | str = "cpu",
        has_action_mask: bool = False,
        policy_spec: Spec | None = None,
        memory_spec: Spec | None = None,
        next_values: bool = False,
        prepared_spec: Spec | None = None,
    ) -> None:
        config.check_rows(num_rows)
        self.num_rows = num_rows
        self.num_segments, self.horizon = config.num_segments, config.bptt_horizon
        self.num_steps = self.num_segments // num_rows * self.horizon
        self.minibatch_segments = config.minibatch_size // config.bptt_horizon
        self.device = torch.device(device)
        self.staging = make_staging(self.device)
        keys = ["env_obs", "first", "action", "act_log_prob", "values", "valid", *(policy_spec or ())]
        self.written_keys = tuple(dict.fromkeys([*keys, "action_mask"] if has_action_mask else keys))
        self.memory_keys = tuple(memory_spec or ())
        fields = _fields(spec, has_action_mask, {**(policy_spec or {}), **(prepared_spec or {})}, next_values)
        steps = (self.num_segments, self.horizon)
        tensors = {k: torch.zeros(*steps, *shape, dtype=dtype, device=device) for k, (shape, dtype) in fields.items()}
        for name, (shape, dtype) in (memory_spec or {}).items():
            tensors[f"memory/{name}"] = torch.zeros(self.num_segments, *shape, dtype=dtype, device=device)
        self._segments = tensors
        self.buffer = TensorDict(tensors, batch_size=[self.num_segments], device=self.device)
        # Plain dicts of views: looking a key up in a TensorDict at every step would cost more than the copy.
        self.timelines = {key: tensors[key].view(num_rows, self.num_steps, *tensors[key].shape[2:]) for key in fields}
        self.memory_timelines = {
            name: tensors[f"memory/{name}"].view(num_rows, -1, *tensors[f"memory/{name}"].shape[1:])
            for name in self.memory_keys
        }
        self.bootstrap = torch.zeros(num_rows, device=device)
        self._columns = {key: _Column(view) for key, view in self.timelines.items()}
        self._views: dict[tuple[str, int | None, int | None, int], Tensor] = {}
        self._minibatch: _Minibatch | None = None

    def write_step(self, step: int, rows: slice, values: Mapping[str, Tensor]) -> None:
        """Store what is known when the actions of ``step`` are sent; keys that the buffer lacks are an error."""
        if not 0 <= step < self.num_steps:
            raise IndexError(f"step {step} is not in 0 .. {self.num_steps - 1}, the rollout that the experience holds.")
        first, end, _ = rows.indices(self.num_rows)
        ready: list[tuple[int, int, int, int]] = []
        for key, value in values.items():
            column = self._columns[key]
            if column.takes(value, end - first):
                ready.append((value.data_ptr(), column.address(first, step), column.bytes, column.stride))
            else:
                self._view(key, rows, step).copy_(value, non_blocking=True)
        if ready:
            _kernels.spread_columns(ready, end - first, torch.get_num_threads())

    def _view(self, key: str, rows: slice, step: int) -> Tensor:
        place = (key, rows.start, rows.stop, step)
        view = self._views.get(place)
        if view is None:  # cutting a view takes longer than the copy
            view = self._views[place] = self.timelines[key][rows, step]
        return view

    def write_memory(self, step: int, rows: slice, memory: Mapping[str, Tensor]) -> None:
        """Store the policy's memory before ``step``, which begins a segment."""
        for name, view in self.memory_timelines.items():
            view[rows, step // self.horizon].copy_(memory[name][rows])

    def timeline(self, key: str) -> Tensor:
        """View ``[rows, steps, ...]`` of ``key``."""
        return self.timelines[key]

    def minibatches(self, generator: torch.Generator) -> Iterator[TensorDict]:
        """All segments once, in a random order drawn from ``generator`` (CPU), ``minibatch_segments`` at a time.

        Each minibatch is a contiguous copy in the same memory: it is valid until the next one is asked for.
        """
        order = torch.randperm(self.num_segments, generator=generator)
        if self.minibatch_segments == self.num_segments:
            yield self.buffer  # the mean over a whole batch knows no order
            return
        for chunk in order.to(self.device).split(self.minibatch_segments):
            yield self.gather(chunk)

    def gather(self, segments: Tensor) -> TensorDict:
        """A contiguous copy of ``minibatch_segments`` segments, always in the same memory.

        Shapes: ``segments [minibatch_segments] int64``.
        """
        if self._minibatch is None:
            self._minibatch = _Minibatch(self._segments, self.minibatch_segments, self.device)
        return self._minibatch.gather(segments)


class _Minibatch:
    """Memory for ``size`` segments of every key."""

    def __init__(self, tables: Mapping[str, Tensor], size: int, device: torch.device) -> None:
        self._tables = tables
        self._gathered = {key: torch.empty_like(table[:size]) for key, table in tables.items()}
        self._content = TensorDict(self._gathered, batch_size=[size], device=device)
        self._native: _kernels.RowGather | None = None
        if device.type == "cpu":
            sides = (tables.values(), self._gathered.values())
            self._native = _kernels.RowGather(*([_rows_of_bytes(table) for table in side] for side in sides))

    def gather(self, segments: Tensor) -> TensorDict:
        if self._native is not None:
            self._native.run(segments.numpy(), torch.get_num_threads())
        else:
            for key, table in self._tables.items():
                torch.index_select(table, 0, segments, out=self._gathered[key])
        return self._content


class _Column:
    """Where the cells of one key and step lie in a timeline ``[rows, steps, ...]``: ``stride`` bytes apart."""

    def __init__(self, timeline: Tensor) -> None:
        self.dtype, self.shape = timeline.dtype, timeline.shape[2:]
        self.native = timeline.is_cpu
        self.bytes = self.shape.numel() * timeline.element_size()
        self.stride = timeline.shape[1] * self.bytes
        self._start = timeline.data_ptr()

    def address(self, row: int, step: int) -> int:
        return self._start + row * self.stride + step * self.bytes

    def takes(self, value: Tensor, rows: int) -> bool:
        """Whether ``value`` can be copied byte by byte."""
        return (
            self.native
            and value.is_cpu
            and value.dtype is self.dtype
            and value.shape == (rows, *self.shape)
            and value.is_contiguous()
        )


def _rows_of_bytes(table: Tensor) -> NDArray[np.uint8]:
    return table.view(len(table), -1).view(torch.uint8).numpy()


def _fields(
    spec: EnvSpec, has_action_mask: bool, policy_spec: Spec, with_next: bool
) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    fields: dict[str, tuple[tuple[int, ...], torch.dtype]] = {
        "env_obs": (spec.obs_shape, _OBS_DTYPES[spec.obs_dtype]),
        "action": ((), torch.int64),
    }
    for key in ("act_log_prob", "values", "rewards", "advantages", "returns", *(("next_values",) if with_next else ())):
        fields[key] = ((), torch.float32)
    for key in ("first", "terminated", "truncated", "valid"):
        fields[key] = ((), torch.bool)
    if has_action_mask:
        fields["action_mask"] = ((spec.num_actions,), torch.bool)
    for key, value in policy_spec.items():
        fields.setdefault(key, value)
    return fields
