"""What the numbers looked like when one of them stopped being one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from metta.common.atomic import write_atomic

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext


def save_diagnosis(ctx: TrainerContext, error: BaseException) -> Path:
    """Write ``<run>/nan_diagnosis.json``: the range of each weight, gradient and experience key."""
    parameters = list(ctx.policy.named_parameters())
    gradients = ((name, parameter.grad) for name, parameter in parameters if parameter.grad is not None)
    report = {
        "error": str(error),
        "epoch": ctx.state.epoch,
        "agent_step": ctx.state.agent_step,
        "learning_rates": [float(group["lr"]) for group in ctx.optimizer.param_groups],
        "weights": _ranges(parameters),
        "gradients": _ranges(gradients),
        "experience": _ranges(ctx.experience.timelines.items()),
    }
    path = ctx.run_dir.root / "nan_diagnosis.json"
    write_atomic(path, (json.dumps(report, indent=1) + "\n").encode())
    return path


def _ranges(tensors: Iterable[tuple[str, Tensor]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, tensor in tensors:
        values = tensor.detach().double()
        finite = values[torch.isfinite(values)]
        found[name] = {
            "shape": list(tensor.shape),
            "not_finite": values.numel() - finite.numel(),
            "min": _number(finite.min()) if finite.numel() else None,
            "max": _number(finite.max()) if finite.numel() else None,
            "mean": _number(finite.mean()) if finite.numel() else None,
        }
    return found


def _number(value: Tensor) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
