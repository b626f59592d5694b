"""Taking a trainer's parts apart into named tensors, and putting them together again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from metta.checkpoint.trainer_state import TrainerSnapshot
from metta.common.errors import CheckpointError
from metta.common.log import get_logger
from metta.rl.world import World

_log = get_logger(__name__)

_GROUPS = "groups/"


def with_prefix(prefix: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """``{"<prefix>/<name>": tensor}``, tensors copied: training goes on changing the originals."""
    return {f"{prefix}/{name}": _copied(value) for name, value in tensors.items()}


def part(prefix: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors that :func:`with_prefix` stored under ``prefix``."""
    head = f"{prefix}/"
    return {name[len(head) :]: value for name, value in tensors.items() if name.startswith(head)}


def flatten_optimizer(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Per-parameter state as ``<parameter number>/<key>``, and the counters of groups that count as
    ``groups/<group number>/<key>``; hyperparameters come from the config, not from here.
    """
    state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
    flat = {f"{number}/{key}": torch.as_tensor(value) for number in state for key, value in state[number].items()}
    for number, group in enumerate(optimizer.param_groups):
        for key in _group_counters(optimizer):
            flat[f"{_GROUPS}{number}/{key}"] = torch.tensor(float(group[key]), dtype=torch.float64)
    return flat


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Inverse of :func:`flatten_optimizer`.

    Raises:
        CheckpointError: the state belongs to another number of parameters.
    """
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if not name.startswith(_GROUPS):
            number, _, key = name.partition("/")
            state.setdefault(int(number), {})[key] = tensor.clone()
    expected = sum(len(group["params"]) for group in optimizer.param_groups)
    if state and max(state) >= expected:
        raise CheckpointError(
            f"the saved optimizer state has {max(state) + 1} parameters, this policy has {expected}. "
            "Was policy_architecture changed since the run began?"
        )
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    for number, group in enumerate(optimizer.param_groups):
        for key in _group_counters(optimizer):
            if (saved := tensors.get(f"{_GROUPS}{number}/{key}")) is not None:
                group[key] = type(group[key])(saved.item())


def _group_counters(optimizer: torch.optim.Optimizer) -> tuple[str, ...]:
    return getattr(optimizer, "group_counters", ())


def saved_by_such_a_world(snapshot: TrainerSnapshot, world: World) -> bool:
    """Whether as many ranks saved it: only then can each go on from its own part. Says so where they did not."""
    if snapshot.world_size == world.size:
        return True
    _log.warning(
        "the state of epoch %d was saved by %d rank(s), now there are %d: weights, optimizer and counters go on, but "
        "every rank begins new episodes, so the run will not equal an uninterrupted one bit for bit.",
        snapshot.epoch,
        snapshot.world_size,
        world.size,
    )
    return False


def _copied(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value.copy()
