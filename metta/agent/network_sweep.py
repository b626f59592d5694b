"""Functions that make configs, and all combinations of their arguments."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from metta.common.errors import ConfigError

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class SweptFunction(Generic[Made]):
    """A function of swept arguments. Calling it calls the function."""

    function: Callable[..., Made]
    choices: Mapping[str, tuple[Any, ...]]

    def __call__(self, *args: Any, **kwargs: Any) -> Made:
        return self.function(*args, **kwargs)

    def combinations(self) -> list[dict[str, Any]]:
        """Arguments of each combination; the last swept argument changes fastest."""
        return [dict(zip(self.choices, values, strict=True)) for values in itertools.product(*self.choices.values())]

    def generate_all(self) -> list[Made]:
        """What the function makes of each combination."""
        return [self.function(**arguments) for arguments in self.combinations()]


def sweep(
    name: str, values: Iterable[Any]
) -> Callable[[Callable[..., Made] | SweptFunction[Made]], SweptFunction[Made]]:
    """Sweep the argument ``name`` of the function below; stacks with others.

    >>> @sweep("size", [64, 128])
    ... @sweep("rate", [1, 2, 3])
    ... def create_config(size, rate):
    ...     return {"out_features": size, "rate": rate}
    >>> len(create_config.generate_all()), create_config.generate_all()[1]
    (6, {'out_features': 64, 'rate': 2})

    Raises:
        ConfigError: there is nothing to choose from, or the argument is swept already.
    """
    options = tuple(values)
    if not options:
        raise ConfigError(f"sweep of {name!r} has no values.")

    def decorate(made: Callable[..., Made] | SweptFunction[Made]) -> SweptFunction[Made]:
        inner = made if isinstance(made, SweptFunction) else SweptFunction(made, {})
        if name in inner.choices:
            raise ConfigError(f"{name!r} is swept twice.")
        return SweptFunction(inner.function, {name: options, **inner.choices})

    return decorate
