"""A teacher beside the policy in rollouts: which rows it advises, what it would do, where it acts itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from metta.agent.policy import Policy
from metta.common.errors import CheckpointError
from metta.common.seeding import derive_seed
from metta.rl.loss.base import LED, LossSetting

NO_ADVICE = -1
"""Stands for a teacher's action where there is none, or where the mask forbids it."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What a teacher says on some rows of a slot.

    Shapes: ``inside``: which of the slot's b rows; ``action [n] int64`` with ``NO_ADVICE``; of learned teachers
    ``log_probs [n, A]`` and ``values [n] float32``, else None.
    """

    inside: slice
    action: Tensor
    log_probs: Tensor | None
    values: Tensor | None


class Teacher:
    """A policy, learned or scripted, that looks at the rows ``begin`` to ``end`` of each rollout.

    Its memory, and the random stream of its actions, live from one rollout to the next and belong to the trainer's
    state; its weights do not, but a state that was made with another teacher is refused.
    """

    def __init__(self, uri: str, setting: LossSetting, begin: int, end: int, *, greedy: bool) -> None:
        self.uri, self.begin, self.end, self.greedy = uri, begin, end, greedy
        self.policy = setting.load_policy(uri)
        self.learned = isinstance(self.policy, Policy)
        if isinstance(self.policy, Policy):
            self.policy.requires_grad_(False)
            self.policy.shows_logits = True
        self._home = setting.device
        self._num_rows = setting.num_rows
        self._generator = torch.Generator(self.policy.device)
        self._generator.manual_seed(derive_seed(setting.seed, "teacher", uri))
        self._fingerprint = _fingerprint(uri, self.policy)
        self.asleep = False
        self.policy.init_memory(self._num_rows)

    def rest_if(self, rests: bool) -> None:
        """Whether it has nothing to say in this epoch. At rest it forgets: it would go on from a place long left."""
        if rests and not self.asleep:
            self.policy.init_memory(self._num_rows)
        self.asleep = rests

    def advise(self, inputs: Mapping[str, Any]) -> Advice | None:
        """What it says on those rows of ``inputs`` that are its own; None without any.

        Shapes: ``inputs`` as for ``Policy.act``, with ``rows`` a slice.
        """
        rows: slice = inputs["rows"]
        begin, end = max(rows.start, self.begin), min(rows.stop, self.end)
        if begin >= end:
            return None
        inside = slice(begin - rows.start, end - rows.start)
        td: dict[str, Any] = {
            key: value[inside].to(self.policy.device) for key, value in inputs.items() if isinstance(value, Tensor)
        }
        mask: Tensor | None = td.get("action_mask")
        td["rows"] = slice(begin, end)
        self.policy.act(td, generator=self._generator, greedy=self.greedy)
        return Advice(inside, *self._read(td, mask))

    def _read(self, td: dict[str, Any], mask: Tensor | None) -> tuple[Tensor, Tensor | None, Tensor | None]:
        action: Tensor = td["action"]
        if mask is not None:
            allowed = mask.gather(-1, action.unsqueeze(-1)).squeeze(-1)
            action = torch.where(allowed, action, NO_ADVICE)
        if not isinstance(self.policy, Policy):
            return action.to(self._home), None, None
        log_probs = self.policy.masked(td["logits"], mask).log_probs
        return action.to(self._home), log_probs.to(self._home), td["values"].to(self._home)

    def state(self, prefix: str) -> dict[str, Tensor]:
        """Memory, random stream and fingerprint."""
        memory: Mapping[str, Tensor] = getattr(self.policy, "memory_state", dict[str, Tensor])()
        return {
            f"{prefix}rng": self._generator.get_state(),
            f"{prefix}fingerprint": self._fingerprint.clone(),
            **{f"{prefix}memory/{name}": tensor for name, tensor in memory.items()},
        }

    def load_state(self, prefix: str, state: Mapping[str, Tensor]) -> None:
        """Go back to what ``state`` told.

        Raises:
            CheckpointError: it was another teacher's.
        """
        if not torch.equal(state[f"{prefix}fingerprint"].cpu(), self._fingerprint):
            raise CheckpointError(
                f"the teacher {self.uri} is not the one that this run began with, so it cannot go on exactly. Was the "
                "file replaced, or did a folder get a newer policy? Name the .mpt of before as teacher_uri."
            )
        self._generator.set_state(state[f"{prefix}rng"].cpu())
        memory = f"{prefix}memory/"
        loaded = {key.removeprefix(memory): value for key, value in state.items() if key.startswith(memory)}
        if loaded:
            self.policy.load_memory_state(loaded)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def lead(setting: LossSetting, advice: Advice, share: float, inputs: Mapping[str, Any], td: dict[str, Any]) -> None:
    """Let the teacher act on a ``share`` of the rows that it gave advice on.

    Which rows is fixed: of any run of rows, as many as fit the share, evenly spread (row r where floor(share (r + 1))
    exceeds floor(share r)). ``act_log_prob`` becomes the **policy's** log-probability of the teacher's action, ``led``
    marks the steps.
    """
    first = inputs["rows"].start + advice.inside.start
    row = torch.arange(first, first + len(advice.action), dtype=torch.float64, device=advice.action.device)
    led = (((row + 1) * share).floor() > (row * share).floor()) & (advice.action != NO_ADVICE)
    mask: Tensor | None = inputs.get("action_mask")
    inside = advice.inside
    own = setting.policy.masked(td["logits"][inside], None if mask is None else mask[inside])
    for key, new in (
        ("action", advice.action),
        ("act_log_prob", own.log_prob(advice.action.clamp(min=0))),
        (LED, torch.ones_like(led)),
    ):
        changed = td[key].clone()
        changed[inside] = torch.where(led, new, changed[inside])
        td[key] = changed


def _fingerprint(uri: str, policy: object) -> Tensor:
    """32 bytes that tell teachers apart: of the weights, or of a scripted policy's name."""
    digest = hashlib.sha256()
    if isinstance(policy, Policy):
        for name, tensor in sorted(policy.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    else:
        digest.update(uri.encode())
    return torch.frombuffer(bytearray(digest.digest()), dtype=torch.uint8)
