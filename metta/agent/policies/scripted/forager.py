"""A scripted agent that carries resources from machine to machine, the nearest useful one first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metta.agent.memory import Memory, MemorySpec, Rows
from metta.agent.module import Data
from metta.agent.policies.scripted.ground_memory import (
    FIRST_MACHINE,
    FREE,
    OBSTACLE,
    OFFSETS,
    UNKNOWN,
    around_middle,
    displacement,
    follow,
)
from metta.agent.policies.scripted.token_window import Planes, TokenWindow
from metta.agent.policies.scripted.waves import MIDDLE, SIDE, boards_of, first_steps
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError

_MOVES = ("move_north", "move_south", "move_west", "move_east")
_FOREIGN = ("get_items", "put_items", "rotate")
"""Actions of games in which moving into a thing does not use it."""
_MEMORY: MemorySpec = {
    "kind": ((SIDE, SIDE), torch.uint8),
    "ready": ((SIDE, SIDE), torch.int16),
    "open": ((SIDE, SIDE), torch.int16),
    "clock": ((), torch.int16),
    "move": ((), torch.int16),
}
_NEVER = 32_000
_LONGEST_WAIT = 16
"""Steps beyond which waiting for a machine is no plan."""
_LONGEST_WAY = 2 * SIDE
_EXPLORE_DELAY = 8
"""How many cells farther than a useful machine an unknown cell seems."""
_HASH = np.uint64(0x9E3779B97F4A7C15)

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of converter: what it takes from an agent and gives to it.

    ``most_held``: agents that hold this much of what it gives leave it to others.
    """

    type_id: int
    gives: str
    takes: str | None = None
    most_held: int = 1_000


class ForagerPolicy:
    """Walks to the nearest machine that is of use now: it has something to take, or takes what the agent holds.

    Each agent keeps a map of what it saw, in its own frame, with the time at which each machine is worth a visit again;
    where it knows of no use, it walks to the nearest cell that it has not seen. Ways are shortest ways around all known
    obstacles and adjacent agents. It neither attacks nor waits longer than it must. It draws nothing: ``greedy`` and
    ``generator`` have no meaning.

    It plays games in which moving into a thing uses it (profile `use`), on a square window without hidden cells, where
    ``machines`` have the type ids and resources that it was made for. Whatever else stands around is an obstacle.

    Shapes: as ``Policy.act``; runs on the CPU.

    Raises:
        ConfigError: the game lacks an action, feature or type that it needs.
    """

    def __init__(self, name: str, spec: EnvSpec, machines: tuple[Machine, ...]) -> None:
        self.spec = spec
        self.device = torch.device("cpu")
        self.machines = machines
        resources = sorted({r for m in machines for r in (m.gives, m.takes) if r is not None})
        _check(name, spec, machines, resources)
        inventory = [f"inv:{resource}" for resource in resources]
        self._window = TokenWindow(spec, ["agent:frozen", "cooldown_remaining", "converting", *inventory])
        self._actions = np.array([spec.action_names.index(move) for move in _MOVES])
        self._noop = spec.action_names.index("noop")
        self._kind_of = np.full(257, OBSTACLE, dtype=np.uint8)  # by type + 1: see TokenWindow
        self._kind_of[:2] = FREE  # a cell with an agent is free again soon
        for i, machine in enumerate(machines):
            self._kind_of[machine.type_id + 1] = FIRST_MACHINE + i
        self._memory = Memory(_MEMORY)

    # --- acting ---------------------------------------------------------------------------------------------------

    def act(self, td: Data, *, generator: torch.Generator | None = None, greedy: bool = False) -> Data:
        """Add ``action``, ``act_log_prob`` (zeros: it is certain) and ``values`` (zeros) to ``td``."""
        rows = td.get("rows", None)
        state = {name: tensor.numpy() for name, tensor in self._memory.read(rows).items()}
        observations = cast(Tensor, td["env_obs"]).cpu().numpy()
        first = cast(Tensor, td["first"]).cpu().numpy()
        for array in state.values():
            array[first] = 0
        planes = self._window.read(observations)
        allowed = self._allowed(td.get("action_mask", None), len(planes))
        self._look(state, planes, allowed)
        moves = self._choose(state, planes, allowed)
        state["move"][:] = moves
        state["clock"][:] = np.minimum(state["clock"] + 1, _NEVER - 1_000)
        if isinstance(rows, Tensor):
            self._memory.write(rows, {name: torch.from_numpy(array) for name, array in state.items()})
        actions = np.concatenate([[self._noop], self._actions])[moves]
        td["action"] = torch.from_numpy(actions)
        td["act_log_prob"] = torch.zeros(len(actions))
        td["values"] = torch.zeros(len(actions))
        return td

    def _allowed(self, mask: Tensor | None, batch: int) -> NDArray[np.bool_]:
        """``[B, 4]``: the directions that can succeed."""
        if mask is None:
            return np.ones((batch, 4), dtype=np.bool_)
        return mask.cpu().numpy()[:, self._actions]

    # --- the map --------------------------------------------------------------------------------------------------

    def _look(self, state: Mapping[str, NDArray[Any]], planes: Planes, allowed: NDArray[np.bool_]) -> None:
        """Bring the map up to date: find out where the agent is now, then write down what it sees."""
        kinds = state["kind"]
        seen = self._kind_of[planes[:, 0]]
        expected = state["move"].astype(np.int64)
        ahead = np.array([(0, 0), *OFFSETS])[expected] + MIDDLE
        rows = np.arange(len(kinds))
        expected[kinds[rows, ahead[:, 0], ahead[:, 1]] > FREE] = 0  # it used a thing
        expected[self._own(planes, "agent:frozen") > 0] = 0
        moved, lost = displacement(kinds, seen, expected)
        follow([kinds, state["ready"], state["open"]], moved)
        kinds[lost] = UNKNOWN
        around_middle(kinds, *seen.shape[1:])[:] = seen
        self._note_times(state, planes, seen)
        for i, (down, right) in enumerate(OFFSETS):  # a machine next to the agent that it cannot use: not before long
            row, column = MIDDLE + down, MIDDLE + right
            idle = (kinds[:, row, column] >= FIRST_MACHINE) & ~allowed[:, i]
            idle &= self._own(planes, "agent:frozen") == 0
            for name in ("ready", "open"):
                times = state[name][:, row, column]
                times[idle] = np.maximum(times, state["clock"] + 2)[idle]

    def _note_times(self, state: Mapping[str, NDArray[Any]], planes: Planes, seen: NDArray[np.uint8]) -> None:
        """When each machine in sight has something to take (``ready``) and takes something (``open``)."""
        row, y, x = _where(seen >= FIRST_MACHINE)
        of = seen[row, y, x] - FIRST_MACHINE
        clock = state["clock"][row].astype(np.int64)
        due = clock + self._at(planes, "cooldown_remaining", row, y, x) + 1
        converting = self._at(planes, "converting", row, y, x) > 0
        full = converting | (self._at(planes, "cooldown_remaining", row, y, x) > 0)  # ... if it holds inputs
        output, held = np.zeros(len(row), dtype=np.int64), np.zeros(len(row), dtype=np.int64)
        source = np.array([machine.takes is None for machine in self.machines])[of]
        for i, machine in enumerate(self.machines):
            mine = of == i
            output[mine] = self._at(planes, f"inv:{machine.gives}", row[mine], y[mine], x[mine])
            if machine.takes is not None:
                held[mine] = self._at(planes, f"inv:{machine.takes}", row[mine], y[mine], x[mine])
        full &= held > 0  # an idle one that holds inputs lacks some
        ready = np.where(output > 0, clock, np.where(source | converting | full, due, _NEVER))
        opens = np.where(source, _NEVER, np.where(full, due, clock))
        height, width = seen.shape[1:]
        around_middle(state["ready"], height, width)[row, y, x] = np.minimum(ready, _NEVER)
        around_middle(state["open"], height, width)[row, y, x] = np.minimum(opens, _NEVER)

    # --- the plan -------------------------------------------------------------------------------------------------

    def _choose(self, state: Mapping[str, NDArray[Any]], planes: Planes, allowed: NDArray[np.bool_]) -> Ints:
        """0 to stay, 1 to 4 to move along ``OFFSETS[i - 1]``."""
        kinds = state["kind"]
        goals = self._goals(state, planes)
        goals[:, _EXPLORE_DELAY] |= boards_of(kinds == UNKNOWN)
        blocked = np.zeros((len(kinds), 4), dtype=np.bool_)
        for i, (down, right) in enumerate(OFFSETS):
            cell = planes[:, 0, self._window.height // 2 + down, self._window.width // 2 + right]
            blocked[:, i] = cell == 1
        passable = kinds <= FREE
        for i, (down, right) in enumerate(OFFSETS):
            passable[:, MIDDLE + down, MIDDLE + right] &= ~blocked[:, i]
        board = boards_of(passable)
        good = first_steps(goals, board, allowed & ~blocked, _LONGEST_WAY)
        free = np.stack([passable[:, MIDDLE + down, MIDDLE + right] for down, right in OFFSETS], axis=1) & allowed
        chance = self._chance(state, board)
        moves = _pick(good, chance)
        aimless = _pick(free.astype(np.int8) @ np.array([1, 2, 4, 8], dtype=np.int8), chance)
        moves = np.where(moves == 0, aimless, moves)
        return np.where(self._own(planes, "agent:frozen") > 0, 0, moves)

    def _goals(self, state: Mapping[str, NDArray[Any]], planes: Planes) -> NDArray[np.uint64]:
        """``[B, delay, SIDE]``: the cells of useful machines, by how long they make an agent wait that goes there."""
        kinds = state["kind"]
        goals = np.zeros((len(kinds), 1 + _LONGEST_WAIT, SIDE), dtype=np.uint64)
        row, y, x = _where(kinds >= FIRST_MACHINE)
        of = kinds[row, y, x] - FIRST_MACHINE
        takes = np.zeros((len(kinds), len(self.machines)), dtype=np.bool_)
        gives = np.zeros_like(takes)
        for i, machine in enumerate(self.machines):
            gives[:, i] = self._own(planes, f"inv:{machine.gives}") < machine.most_held
            if machine.takes is not None:
                takes[:, i] = self._own(planes, f"inv:{machine.takes}") > 0
        ready = np.where(gives[row, of], state["ready"][row, y, x], _NEVER).astype(np.int64)
        opens = np.where(takes[row, of], state["open"][row, y, x], _NEVER).astype(np.int64)
        way = np.abs(y - MIDDLE) + np.abs(x - MIDDLE)
        wait = np.maximum(np.minimum(ready, opens) - state["clock"][row] - way, 0)
        near = wait <= _LONGEST_WAIT
        row, y, x, wait = row[near], y[near], x[near], wait[near]
        cell = (row * goals.shape[1] + wait) * SIDE + y
        np.add.at(goals.reshape(-1), cell, np.uint64(1) << x.astype(np.uint64))  # each bit once: the sum is the union
        return goals

    def _chance(self, state: Mapping[str, NDArray[Any]], free: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """A number that differs between agents and steps, for choices between equals; nothing is drawn."""
        mixed = (free * _HASH).sum(1, dtype=np.uint64) + state["clock"].astype(np.uint64)
        return (mixed * _HASH) >> np.uint64(40)

    def _own(self, planes: Planes, feature: str) -> NDArray[np.uint8]:
        return planes[:, self._window.index[feature], self._window.height // 2, self._window.width // 2]

    def _at(self, planes: Planes, feature: str, row: Ints, y: Ints, x: Ints) -> Ints:
        return planes[row, self._window.index[feature], y, x].astype(np.int64)

    # --- memory ---------------------------------------------------------------------------------------------------

    def init_memory(self, num_rows: int) -> None:
        """Forget everything and make room for ``num_rows`` agent rows."""
        self._memory = Memory(_MEMORY, num_rows)

    def reset_memory(self, rows: Rows | None = None) -> None:
        """Forget what is remembered of ``rows`` (None: all)."""
        self._memory.reset(rows)

    def memory_state(self) -> dict[str, Tensor]:
        """A copy of the memory, for snapshots."""
        return self._memory.state()

    def load_memory_state(self, state: Mapping[str, Tensor]) -> None:
        """Go back to a copy that ``memory_state`` made."""
        self._memory.load(state)


def _where(cells: NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
    """As ``np.nonzero`` for ``[B, H, W]``, several times as fast where few are true."""
    found = np.flatnonzero(cells)
    rest, x = np.divmod(found, cells.shape[2])
    row, y = np.divmod(rest, cells.shape[1])
    return row, y, x


def _pick(good: NDArray[np.int8], chance: NDArray[np.uint64]) -> Ints:
    """One of the directions whose bits are set in ``good``, plus one; 0 where none is."""
    return _PICKS[good.astype(np.int64), (chance % np.uint64(12)).astype(np.int64)]


def _picks() -> Ints:
    table = np.zeros((16, 12), dtype=np.int64)  # 12: a multiple of 1, 2, 3 and 4, so that equals are equally likely
    for good in range(1, 16):
        directions = [1 + d for d in range(4) if good >> d & 1]
        table[good] = [directions[i % len(directions)] for i in range(12)]
    return table


_PICKS = _picks()


def _check(name: str, spec: EnvSpec, machines: tuple[Machine, ...], resources: list[str]) -> None:
    """Refuse games that the script cannot play, with everything that is in the way."""
    wrong = [f"action {move!r} is missing" for move in ("noop", *_MOVES) if move not in spec.action_names]
    wrong += [f"action {a!r}: things are not used by moving into them" for a in _FOREIGN if a in spec.action_names]
    if spec.obs_kind != "tokens":
        wrong.append(f"observations are a {spec.obs_kind}, not tokens")
    features = {feature.name: feature for feature in spec.features}
    needed = ["type_id", "agent:frozen", "cooldown_remaining", "converting", *(f"inv:{r}" for r in resources)]
    wrong += [f"feature {feature!r} is missing" for feature in needed if feature not in features]
    num_types = features["type_id"].num_values if "type_id" in features else 0
    wrong += [f"no thing has type {m.type_id}, which gives {m.gives!r}" for m in machines if m.type_id >= num_types]
    if wrong:
        raise ConfigError(
            f"mock://{name} cannot play {spec.name!r}:" + "".join(f"\n  - {what}" for what in wrong) + "\n"
            "It was written for the recipes' own games; use mock://random or a trained policy."
        )
