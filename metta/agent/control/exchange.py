"""Signals and reports at a network's edge: plain Python in a dict or a TensorDict, typed objects inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from tensordict import NonTensorData, TensorDictBase
from torch import Tensor

from metta.agent.control.training_control import SIGNAL_KEYS, TrainingControl
from metta.agent.wrappers.base import WrapperModule
from metta.agent.wrappers.signals import Signals

_HEARD = ("_training_phase", "_step", "_gradient_norms", "_performance_metrics")


def control_in(td: Mapping[str, Any] | TensorDictBase) -> TrainingControl | None:
    """The control that the signals in ``td`` state; None without any.

    Raises:
        ConfigError: a signal has a value that does not fit.
    """
    stated = {key: plain(td[key]) for key in SIGNAL_KEYS if key in td.keys()}  # noqa: SIM118 - a TensorDict has no __contains__
    return TrainingControl.from_signals(stated) if stated else None


def hear_signals(signals: Signals, td: Mapping[str, Any] | TensorDictBase) -> None:
    """Take over what ``td`` says about phase, step, gradient norms and performance."""
    heard = {key: plain(td[key]) for key in _HEARD if key in td.keys()}  # noqa: SIM118
    if "_training_phase" in heard:
        signals.training_phase = str(heard["_training_phase"])
    if "_step" in heard:
        signals.step = int(heard["_step"])
    if "_gradient_norms" in heard:
        signals.gradient_norms = dict(heard["_gradient_norms"])
    if "_performance_metrics" in heard:
        signals.performance = dict(heard["_performance_metrics"])


def write_reports(td: Any, wrappers: Iterable[WrapperModule]) -> None:
    """Add each wrapper's report to ``td``: ``{"_component_status": {"encoder": "frozen"}}``."""
    for wrapper in wrappers:
        if wrapper.active:
            for key, value in wrapper.report().items():
                there = plain(td[key]) if key in td.keys() else {}  # noqa: SIM118
                write_plain(td, key, {**there, wrapper.component_name: value})


def write_plain(td: Any, key: str, value: Any) -> None:
    """Put plain Python into a dict or a TensorDict; ``td[key]`` gives it back as it is."""
    if isinstance(td, TensorDictBase):
        td.set_non_tensor(key, value)
    else:
        td[key] = value


def plain(value: Any) -> Any:
    """Plain Python again, whatever a TensorDict made of it. Numbers that went through float32 lose its noise.

    >>> import torch
    >>> plain(torch.tensor(1e-4))
    0.0001
    """
    if isinstance(value, NonTensorData):
        return plain(value.data)
    if isinstance(value, Tensor):
        return _plain_tensor(value)
    if isinstance(value, TensorDictBase):
        return {str(key): plain(value[cast(str, key)]) for key in value.keys()}  # noqa: SIM118
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in cast(Iterable[Any], value)]
    return value


def _plain_tensor(value: Tensor) -> Any:
    if value.ndim:
        return [_plain_tensor(item) for item in value]
    return float(f"{value.item():.7g}") if value.is_floating_point() else value.item()
