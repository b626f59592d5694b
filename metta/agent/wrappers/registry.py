"""Wrappers by the ``type`` of YAML stacks, one line each; and stacks of them around a component."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from metta.agent.module import MettaModule
from metta.agent.wrappers.adaptive_gradient import AdaptiveGradientWrapper
from metta.agent.wrappers.base import WrapperModule
from metta.agent.wrappers.clipping import ClippingWrapper
from metta.agent.wrappers.eval_mode import EvalModeWrapper
from metta.agent.wrappers.gradient_accumulation import GradientAccumulationWrapper
from metta.agent.wrappers.gradient_clipping import GradientClippingWrapper
from metta.agent.wrappers.gradient_monitoring import GradientMonitoringWrapper
from metta.agent.wrappers.learning_rate import LearningRateWrapper
from metta.agent.wrappers.memory_optimization import MemoryOptimizationWrapper
from metta.agent.wrappers.no_grad import NoGradWrapper
from metta.agent.wrappers.normalization import NormalizationWrapper
from metta.agent.wrappers.performance_monitoring import PerformanceMonitoringWrapper
from metta.agent.wrappers.regularized import RegularizedWrapper
from metta.agent.wrappers.safe import SafeWrapper
from metta.agent.wrappers.training_phase import TrainingPhaseWrapper
from metta.agent.wrappers.weight_monitoring import WeightMonitoringWrapper
from metta.common.errors import ConfigError, MettaError
from metta.common.suggest import did_you_mean

WRAPPERS: dict[str, type[WrapperModule]] = {
    "adaptive_gradient": AdaptiveGradientWrapper,
    "clipping": ClippingWrapper,
    "eval_mode": EvalModeWrapper,
    "gradient_accumulation": GradientAccumulationWrapper,
    "gradient_clipping": GradientClippingWrapper,
    "gradient_monitoring": GradientMonitoringWrapper,
    "learning_rate": LearningRateWrapper,
    "memory_optimization": MemoryOptimizationWrapper,
    "no_grad": NoGradWrapper,
    "normalization": NormalizationWrapper,
    "performance_monitoring": PerformanceMonitoringWrapper,
    "regularized": RegularizedWrapper,
    "safe": SafeWrapper,
    "training_phase": TrainingPhaseWrapper,
    "weight_monitoring": WeightMonitoringWrapper,
}


def wrapper_class(name: str) -> type[WrapperModule]:
    """The wrapper of that type (``clipping``), class name (``ClippingWrapper``) or alias (``training_phase_aware``).

    Raises:
        ConfigError: there is none.
    """
    for cls in WRAPPERS.values():
        if name in cls.names():
            return cls
    raise ConfigError(f"no wrapper {name!r}; there are {sorted(WRAPPERS)}.{did_you_mean(str(name), WRAPPERS)}")


def wrap(component: MettaModule, stack: Sequence[Mapping[str, Any] | str], name: str | None = None) -> MettaModule:
    """``component`` within the wrappers of a YAML stack: ``[{type: clipping, config: {...}}, ...]``.

    The first entry is the innermost; a bare string is a type without config. ``name`` is how the component is called in
    messages and reports until a network names it.

    >>> from metta.agent.components.linear import LinearModule
    >>> policy = LinearModule(3, 2, "features", "logits")
    >>> outer = wrap(policy, [{"type": "clipping", "config": {"logits": [-1, 1]}}, "no_grad"])
    >>> [wrapper.kind for wrapper in outer.stack()]
    ['no_grad', 'clipping']

    Raises:
        ConfigError: all faults of the stack at once, each with its place.
    """
    faults: list[str] = []
    if isinstance(stack, str | Mapping) or not isinstance(stack, Sequence):
        raise ConfigError(f"wrappers of {_called(component, name)} are {stack!r}; expected a list of {{type, config}}.")
    for place, entry in enumerate(stack):
        label = f"wrappers[{place}]"
        try:
            component = _wrap_once(component, entry, name)
        except MettaError as error:
            faults.append(f"{label}: {error}")
    if faults:
        raise ConfigError(f"wrappers of {_called(component, name)}: " + " ".join(faults))
    return component


def _wrap_once(component: MettaModule, entry: Mapping[str, Any] | str, name: str | None) -> WrapperModule:
    given = {"type": entry} if isinstance(entry, str) else entry
    if not isinstance(given, Mapping) or "type" not in given:
        raise ConfigError(f"{entry!r} has no type; expected {{type: clipping, config: {{...}}}}.")
    if unknown := sorted(set(given) - {"type", "config"}):
        raise ConfigError(f"unknown keys {unknown}; expected type and config. Settings of the wrapper go into config.")
    cls, config = wrapper_class(given["type"]), given.get("config") or {}
    if not isinstance(config, Mapping):
        raise ConfigError(f"config of {given['type']} is {config!r}; expected a mapping.")
    if name is not None:
        config = {"component_name": name, **config}
    check_arguments(cls, config)
    try:
        return cls(component, **config)
    except (TypeError, ValueError) as error:
        if isinstance(error, MettaError):
            raise
        raise ConfigError(f"{cls.kind}: config {dict(config)} does not fit: {error}.") from error


def check_arguments(cls: type[WrapperModule], config: Mapping[str, Any]) -> None:
    """Raise unless ``config`` names what ``cls`` takes and all that it needs.

    Raises:
        ConfigError: an unknown or a missing setting.
    """
    parameters = dict(list(inspect.signature(cls.__init__).parameters.items())[2:])  # self and the component
    kinds = {parameter.kind for parameter in parameters.values()}
    known = [key for key, parameter in parameters.items() if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        for key in config:
            if key not in known:
                raise ConfigError(f"{cls.kind} has no setting {key!r}; there are {known}.{did_you_mean(key, known)}")
    needed = [
        key
        for key, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    if missing := [key for key in needed if key not in config]:
        raise ConfigError(f"{cls.kind} needs {missing} in its config; it has {list(config)}.")


def _called(component: MettaModule, name: str | None) -> str:
    return str(name or (component.component_name if isinstance(component, WrapperModule) else type(component).__name__))
