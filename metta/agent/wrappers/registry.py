"""Wrappers by the ``type`` of YAML stacks: one line each."""

from __future__ import annotations

from metta.agent.wrappers.base import WrapperModule
from metta.agent.wrappers.clipping import ClippingWrapper
from metta.agent.wrappers.eval_mode import EvalModeWrapper
from metta.agent.wrappers.gradient_accumulation import GradientAccumulationWrapper
from metta.agent.wrappers.gradient_clipping import GradientClippingWrapper
from metta.agent.wrappers.learning_rate import LearningRateWrapper
from metta.agent.wrappers.no_grad import NoGradWrapper
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

WRAPPERS: dict[str, type[WrapperModule]] = {
    "clipping": ClippingWrapper,
    "eval_mode": EvalModeWrapper,
    "gradient_accumulation": GradientAccumulationWrapper,
    "gradient_clipping": GradientClippingWrapper,
    "learning_rate": LearningRateWrapper,
    "no_grad": NoGradWrapper,
}


def wrapper_class(name: str) -> type[WrapperModule]:
    """The wrapper of that type (``clipping``) or class name (``ClippingWrapper``).

    Raises:
        ConfigError: there is none.
    """
    for kind, cls in WRAPPERS.items():
        if name in (kind, cls.__name__):
            return cls
    raise ConfigError(f"no wrapper {name!r}; there are {sorted(WRAPPERS)}.{did_you_mean(name, WRAPPERS)}")
