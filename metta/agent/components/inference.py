"""What components take over from the shapes of their inputs and from the environment, for their ``infer``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metta.agent.components.feature_table import FeatureTable
from metta.agent.module import Shape
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError


def complete(config: Mapping[str, Any], **found: Any) -> dict[str, Any]:
    """``config``, and what was found beside it. What config says wins; None means that nothing was found.

    >>> complete({"bias": False, "in_features": 3}, in_features=4, out_features=None)
    {'in_features': 3, 'bias': False}
    """
    return {**{name: value for name, value in found.items() if value is not None}, **config}


def size_of(shapes: Mapping[str, Shape], in_keys: Sequence[str], dim: int = -1) -> int | None:
    """Size ``dim`` of the first input, or None where it is not known."""
    shape = shapes.get(in_keys[0], ()) if in_keys else ()
    size = shape[dim] if -len(shape) <= dim < len(shape) else None
    return size if isinstance(size, int) else None


def shape_of(shapes: Mapping[str, Shape], in_keys: Sequence[str]) -> tuple[int, ...] | None:
    """All sizes of the first input, or None when one of them is not known."""
    shape = shapes.get(in_keys[0]) if in_keys else None
    known = tuple(size for size in shape or () if isinstance(size, int))
    return known if shape is not None and len(known) == len(shape) else None


def num_actions_of(spec: EnvSpec | None) -> int | None:
    """Actions of the environment, if there is one."""
    return None if spec is None else spec.num_actions


def token_arguments(config: Mapping[str, Any], spec: EnvSpec | None, name: str) -> dict[str, Any]:
    """``config`` with the ``features`` and ``num_tokens`` of the environment; it may say ``numeric_scale`` for them.

    Raises:
        ConfigError: there is no environment.
    """
    rest = {key: value for key, value in config.items() if key != "numeric_scale"}
    if "features" in rest and "num_tokens" in rest:
        return rest
    spec = needed(spec, name)
    return complete(
        rest,
        features=FeatureTable.from_spec(spec, config.get("numeric_scale", "linear")),
        num_tokens=spec.obs_shape[0],
    )


def needed(spec: EnvSpec | None, name: str) -> EnvSpec:
    """The environment's spec.

    Raises:
        ConfigError: there is none.
    """
    if spec is None:
        raise ConfigError(
            f"{name} takes its tables from the environment, but the network is built without one. "
            f"Give the builder an EnvSpec (spec=...)."
        )
    return spec
