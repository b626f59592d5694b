"""Wrappers as decorators: ``@clipping(action_logits=(-1, 1))`` over a class, a constructor function or an instance."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from metta.agent.module import MettaModule
from metta.agent.wrappers.registry import check_arguments, wrapper_class

Decorator = Callable[[Any], Any]


def wrapped_by(kind: str, /, *arguments: Any, **config: Any) -> Decorator:
    """A decorator that puts the wrapper of that type around what it decorates.

    Over a component it returns the wrapped component; over a class or a function that makes components, a function that
    makes wrapped ones. The decorator nearest to the function is the innermost wrapper.

    Raises:
        ConfigError: no such wrapper, or a setting that it does not have.
    """
    cls = wrapper_class(kind)
    if not arguments:
        check_arguments(cls, config)

    def decorate(target: Any) -> Any:
        if isinstance(target, MettaModule):
            return cls(target, *arguments, **config)

        @functools.wraps(target, updated=())
        def make(*args: Any, **kwargs: Any) -> MettaModule:
            return cls(target(*args, **kwargs), *arguments, **config)

        return make

    return decorate


def clipping(**clip_ranges: tuple[float, float]) -> Decorator:
    """Clamp outputs: ``@clipping(action_logits=(-1.0, 1.0))``.

    >>> from metta.agent.components.linear import LinearModule
    >>> @clipping(action_logits=(-1.0, 1.0))
    ... @normalization("l2")
    ... def create_enhanced_policy():
    ...     return LinearModule(128, 4, "features", "action_logits", activation="softmax")
    >>> [wrapper.kind for wrapper in create_enhanced_policy().stack()]
    ['clipping', 'normalization']
    """
    return wrapped_by("clipping", clip_ranges)


def normalization(norm_type: str = "l2", **config: Any) -> Decorator:
    """Normalise outputs: ``@normalization("layer")``."""
    return wrapped_by("normalization", norm_type=norm_type, **config)


def safe(**config: Any) -> Decorator:
    """Check inputs and outputs: ``@safe(action_bounds=(-1, 1))``."""
    return wrapped_by("safe", **config)


def regularized(**config: Any) -> Decorator:
    """Penalise weights: ``@regularized(l2_scale=0.01)``."""
    return wrapped_by("regularized", **config)


def weight_monitoring(**config: Any) -> Decorator:
    """Watch weights: ``@weight_monitoring(clip_value=1.0)``."""
    return wrapped_by("weight_monitoring", **config)


def no_grad() -> Decorator:
    """Freeze: ``@no_grad()``."""
    return wrapped_by("no_grad")


def eval_mode() -> Decorator:
    """Keep in eval mode: ``@eval_mode()``."""
    return wrapped_by("eval_mode")


def learning_rate(rate: float) -> Decorator:
    """Learn at a rate of its own: ``@learning_rate(1e-4)``."""
    return wrapped_by("learning_rate", learning_rate=rate)


def gradient_accumulation(steps: int) -> Decorator:
    """One step from several minibatches: ``@gradient_accumulation(4)``."""
    return wrapped_by("gradient_accumulation", accumulation_steps=steps)


def gradient_clipping(max_norm: float) -> Decorator:
    """Clip the gradient's norm: ``@gradient_clipping(1.0)``."""
    return wrapped_by("gradient_clipping", max_norm=max_norm)


def adaptive_gradient(**config: Any) -> Decorator:
    """Clip the gradient's norm adaptively: ``@adaptive_gradient(initial_clip_value=1.0)``."""
    return wrapped_by("adaptive_gradient", **config)


def training_phase(**phase_behaviors: dict[str, float]) -> Decorator:
    """Behave by phase: ``@training_phase(pretraining={"input_noise": 0.05}, evaluation={})``."""
    return wrapped_by("training_phase", phase_behaviors=phase_behaviors)


def performance_monitoring(**config: Any) -> Decorator:
    """Measure: ``@performance_monitoring(alert_thresholds={"latency_ms": 50})``."""
    return wrapped_by("performance_monitoring", **config)


def gradient_monitoring(**config: Any) -> Decorator:
    """Watch gradients: ``@gradient_monitoring()``."""
    return wrapped_by("gradient_monitoring", **config)
