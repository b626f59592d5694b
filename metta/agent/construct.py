"""Component classes and their arguments: from a component's config to a call of its constructor."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from metta.agent.module import MettaModule
from metta.agent.network_config import ComponentConfig, WrapperConfig
from metta.agent.wrappers.base import WrapperModule
from metta.agent.wrappers.registry import wrap, wrapper_class
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

_WRAPPER_OWN = ("inner", "component_name")
_Parameters = Mapping[str, inspect.Parameter]


@dataclass(frozen=True, slots=True)
class Signature:
    """A constructor's parameters, sorted: those that take keys, and the rest.

    ``in_keys`` and ``out_keys`` are the parameters for one key each, in order; ``many_in``, ``many_out`` say that the
    class takes a list of them (``in_keys``, ``out_keys``).
    """

    in_keys: tuple[str, ...] = ()
    out_keys: tuple[str, ...] = ()
    many_in: bool = False
    many_out: bool = False
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    takes_more: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])


@cache
def signature_of(cls: type[MettaModule]) -> Signature:
    """The parameters of a component class."""
    parameters = _parameters(cls)
    keys = [name for name in parameters if name.endswith("_key")]
    options = [name for name in parameters if name not in (*keys, "in_keys", "out_keys")]
    return Signature(
        tuple(name for name in keys if not name.startswith("out_")),
        tuple(name for name in keys if name.startswith("out_")),
        "in_keys" in parameters,
        "out_keys" in parameters,
        tuple(options),
        tuple(name for name in options if parameters[name].default is inspect.Parameter.empty),
        _takes_more(cls),
        {name: p.default for name, p in parameters.items() if p.default is not inspect.Parameter.empty},
    )


def key_arguments(cls: type[MettaModule], config: ComponentConfig) -> dict[str, Any]:
    """``in_keys`` and ``out_keys`` of a config as arguments of the constructor.

    Raises:
        ConfigError: the class takes fewer.
    """
    signature = signature_of(cls)
    found: dict[str, Any] = {}
    for given, names, many, word in (
        (config.in_keys, signature.in_keys, signature.many_in, "in_keys"),
        (config.out_keys, signature.out_keys, signature.many_out, "out_keys"),
    ):
        free = [name for name in names if name not in config.config]
        if many and given:
            found[word] = list(given)
        elif len(given) > len(free):
            raise ConfigError(
                f"{word} {list(given)} are {len(given)}, but {cls.__name__} takes {len(free)}"
                f"{f' ({chr(44).join(free)})' if free else ''}."
            )
        else:
            found.update(zip(free, given, strict=False))
    return found


def declared_keys(cls: type[MettaModule], config: ComponentConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys that a component reads and writes, as far as its config and its class's defaults tell; it may have more."""
    signature = signature_of(cls)
    values = {**signature.defaults, **config.config, **key_arguments(cls, config)}

    def named(names: Sequence[str], many: str) -> tuple[str, ...]:
        single = [values[name] for name in names if isinstance(values.get(name), str)]
        several = values.get(many)
        listed = several if isinstance(several, list | tuple) else ()
        return tuple(dict.fromkeys([*single, *(key for key in listed if isinstance(key, str))]))

    return named(signature.in_keys, "in_keys"), named(signature.out_keys, "out_keys")


def unknown_arguments(cls: type[MettaModule], config: Mapping[str, Any], spec: EnvSpec | None = None) -> list[str]:
    """A fault for each entry of ``config`` that neither the constructor nor ``infer`` knows."""
    signature = signature_of(cls)
    known = [*signature.options, *signature.in_keys, *signature.out_keys]
    unknown = [name for name in config if name not in known]
    if not unknown or signature.takes_more:
        return []
    try:
        inferred = cls.infer(config, [], {}, spec)
    except ConfigError:
        return []  # it will be said in full when the component is worked out
    except (KeyError, IndexError, TypeError, AttributeError):
        inferred = config
    return [_unknown(str(cls.__name__), name, known) for name in unknown if name in inferred]


def missing_arguments(cls: type[MettaModule], arguments: Mapping[str, Any]) -> list[str]:
    """Names of arguments that the constructor cannot do without."""
    return [name for name in signature_of(cls).required if name not in arguments]


def wrapper_faults(config: WrapperConfig) -> list[str]:
    """What is wrong with a wrapper's type and arguments; the values are checked when it is made."""
    try:
        cls: type[WrapperModule] = wrapper_class(config.type)
    except ConfigError as error:
        return [str(error)]
    known = [name for name in _parameters(cls) if name not in _WRAPPER_OWN]
    if _takes_more(cls):
        return []
    return [_unknown("wrapper " + repr(config.type), name, known) for name in config.config if name not in known]


def wrapped(component: MettaModule, stack: Sequence[WrapperConfig]) -> MettaModule:
    """``component`` in its wrappers, the innermost first.

    Raises:
        ConfigError: all faults of the stack.
    """
    return wrap(component, [{"type": wrapper.type, "config": wrapper.config} for wrapper in stack])


def _unknown(owner: str, name: str, known: Sequence[str]) -> str:
    return f"{owner} has no argument {name!r}; it has {list(known)}.{did_you_mean(name, known)}"


def _parameters(cls: type) -> dict[str, inspect.Parameter]:
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {name: p for name, p in inspect.signature(cls).parameters.items() if p.kind not in kinds}


def _takes_more(cls: type) -> bool:
    return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in inspect.signature(cls).parameters.values())
