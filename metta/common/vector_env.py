"""The protocol between trainers or simulations and a batch of environments. Buffers are numpy; torch stays outside.

Walk of one slot (slots are halves of the batch, so that stepping one overlaps with inference for the other)::

    recv(0) -> act -> send(0, actions)      # send returns at once; native threads step slot 0 ...
    recv(1) -> act -> send(1, actions)      # ... while we infer for slot 1
    recv(0) ...

Auto-reset is *next-step* (Gymnasium's ``AutoresetMode.NEXT_STEP``): when an episode ends, ``observations`` is its final
observation and ``terminated`` or ``truncated`` is set. The next action of those rows is ignored; the following batch
holds the first observation of the new episode, reward 0, both flags false, and ``first`` true::

    t        0      1      2          3          4
    obs      o0     o1     o2(final)  o0'        o1'
    first    1      0      0          1          0
    done     0      0      1          0          0
    action   a0     a1     (ignored)  a0'        ...

Agents may enter and leave while an episode goes on. The row of one that is away is terminated in each batch, its action
is ignored, its reward 0; when it enters, the row is ``first`` and no longer terminated. So in any batch the action of a
row counts unless the row is terminated or truncated. Only a drained record says that an episode ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from metta.common.env_spec import EnvSpec


@dataclass(slots=True)
class StepBatch:
    """What one slot's environments returned. Views into environment-owned buffers: valid until ``send`` of that slot.

    Shapes (b rows = agents x environments of the slot, A actions): ``observations [b, *spec.obs_shape]``,
    ``rewards [b] float32`` for the action sent last (0 on ``first`` rows), ``terminated``, ``truncated``, ``first``
    ``[b] bool``, ``action_mask [b, A] bool`` (None where the environment has none). ``final_observations`` is like
    ``observations``, in batches with same-step reset only: how an episode ended, on the rows whose episode did;
    ``final_state`` is the same for ``state``, for environments whose episode ended.
    ``state [environments of the slot, *spec.state_shape] uint8`` is the global state (None where there is none): row r
    belongs to the slot's environment r // agents.
    """

    slot: int
    rows: slice
    observations: NDArray[np.uint8] | NDArray[np.float32]
    rewards: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    first: NDArray[np.bool_]
    action_mask: NDArray[np.bool_] | None = None
    final_observations: NDArray[np.uint8] | NDArray[np.float32] | None = None
    state: NDArray[np.uint8] | None = None
    final_state: NDArray[np.uint8] | None = None


@dataclass(slots=True)
class EpisodeRecord:
    """A finished episode, drained between rollouts.

    ``rewards [A] float32`` are the agents' undiscounted returns, after sharing. ``agent_stats`` maps a name to ``[A]
    float64``, ``game_stats`` a name to a number. ``partial`` marks an episode that was cut short on purpose to
    desynchronise a training batch: leave it out of averages. ``entered [A] bool``: who took part at any time (None: all
    did); leave the others out of averages over agents. ``group_ids [A]``: each agent's group. ``game`` is the
    label of the game that was played, ``game_index`` its number in the batch (0: the batch's own).
    """

    env: int
    episode: int
    length: int
    rewards: NDArray[np.float32]
    terminated: bool
    truncated: bool
    partial: bool = False
    agent_stats: Mapping[str, NDArray[np.float64]] = field(default_factory=dict[str, NDArray[np.float64]])
    game_stats: Mapping[str, float] = field(default_factory=dict[str, float])
    group_stats: Mapping[str, NDArray[np.float64]] = field(default_factory=dict[str, NDArray[np.float64]])
    group_ids: NDArray[np.int64] | None = None
    entered: NDArray[np.bool_] | None = None
    game: str = ""
    game_index: int = 0

    def of_those_who_entered(self, values: NDArray[Any]) -> NDArray[Any]:
        """The entries of ``values [A]`` whose agents took part."""
        return values if self.entered is None else values[self.entered]

    def mean(self, values: NDArray[Any]) -> float:
        """Mean of ``values [A]`` over the agents that took part; 0 if none did."""
        counted = self.of_those_who_entered(values)
        return float(counted.mean(dtype=np.float64)) if len(counted) else 0.0


class VectorEnv(Protocol):
    """A batch of environments of ``num_rows = num_envs * spec.num_agents`` agent rows in ``num_slots`` slots."""

    spec: EnvSpec
    num_envs: int
    num_rows: int
    num_slots: int

    def reset(self, seed: int) -> None:
        """Start an episode in each environment; afterwards ``recv`` works for every slot."""
        ...

    def recv(self, slot: int) -> StepBatch:
        """Wait until the slot's environments have stepped; return views on what they wrote."""
        ...

    def send(self, slot: int, actions: NDArray[np.int32]) -> None:
        """Start stepping the slot with ``actions [b] int32``. Copies the array, then returns at once."""
        ...

    def drain_episodes(self) -> list[EpisodeRecord]:
        """Episodes that ended since the last call, ordered by (step of ending, environment) for any threads."""
        ...

    def snapshot(self) -> dict[str, NDArray[np.generic]] | None:
        """All state between ``recv`` and ``send`` of every slot, as named arrays; None where it is not supported."""
        ...

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go back to a snapshot, buffers included: the next ``recv`` returns what it returned then."""
        ...

    def close(self) -> None:
        """Stop threads or workers. Using the batch afterwards raises ``EnvError``."""
        ...
