"""What is in force, as rows of numbers and as one line of words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from metta.agent.policy import Policy


def control_metrics(policy: Policy, optimizer: torch.optim.Optimizer, norms: Mapping[str, float]) -> dict[str, float]:
    """``control/<component>/<what>``: lr (as the optimizer has it), frozen, grad_norm, clip, accumulation, eval, and
    the gradient statistics of monitoring wrappers. Times and memory are left out: no seed determines them.
    """
    report = policy.control_report
    rows: dict[str, float] = {}
    for group in optimizer.param_groups:
        name = group["name"]
        rows[f"control/{name}/lr"] = float(group["lr"])
        rows[f"control/{name}/frozen"] = float(policy.network.controller.is_frozen(name))
        if name in norms:
            rows[f"control/{name}/grad_norm"] = float(norms[name])
    for name, clip in report.gradient_clip_actual.items():
        rows[f"control/{name}/clip"] = float(clip)
    for name, status in report.grad_accumulation_status.items():
        rows[f"control/{name}/accumulation"] = float(status.get("every", 1))
    for name, status in report.component_status.items():
        if status == "eval":
            rows[f"control/{name}/eval"] = 1.0
    for name, statistics in report.gradient_statistics.items():
        rows |= {f"control/{name}/gradient/{key}": float(value) for key, value in statistics.items()}
    return rows


def summary(stated: Mapping[str, Any]) -> str:
    """A control as one would type it.

    >>> summary({"component_lr": {"policy": 1e-05}, "frozen_components": ["encoder"]})
    'component_lr.policy=1e-05 frozen_components=[encoder]'
    """
    words: list[str] = []
    for field, value in stated.items():
        if isinstance(value, Mapping):
            words += [f"{field}.{name}={_typed(item)}" for name, item in value.items()] or [f"{field}={{}}"]
        else:
            words.append(f"{field}={_typed(value)}")
    return " ".join(words)


def _typed(value: Any) -> str:
    if value is None:
        return "null"
    return f"[{','.join(map(_typed, value))}]" if isinstance(value, list | tuple) else str(value)
