"""NetworkBuilder: from a network's config to a ComponentContainer, with all faults of the config told at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from metta.agent.components.registry import COMPONENTS
from metta.agent.construct import wrapped
from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule
from metta.agent.network_check import NetworkCheck
from metta.agent.network_config import ComponentConfig, NetworkConfig, WrapperConfig, load_network
from metta.agent.parameter_sharing import share_parameters
from metta.agent.wrappers.base import unwrapped
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean


class NetworkBuilder:
    """Validates a config, infers the shapes of everything, then creates the network.

    ``classes`` are component classes beside those of the registry, by the name that configs use.

    >>> import torch
    >>> network = NetworkBuilder().build_from_config({
    ...     "input_shapes": {"observation": [64]},
    ...     "components": [{"name": "encoder", "class": "LinearModule", "config": {"out_features": 8},
    ...                     "in_keys": ["observation"], "out_keys": ["features"]}],
    ... })
    >>> network({"observation": torch.randn(4, 64)})["features"].shape
    torch.Size([4, 8])
    """

    def __init__(self, classes: Mapping[str, type[MettaModule]] | None = None) -> None:
        self.class_registry: dict[str, type[MettaModule]] = {**COMPONENTS, **(classes or {})}

    def build_from_config(
        self, config: NetworkConfig | Mapping[str, Any] | str | Path, spec: EnvSpec | None = None
    ) -> ComponentContainer:
        """The network that ``config`` describes: a NetworkConfig, a mapping, or the name or path of a YAML file.

        With ``spec`` the inputs of policies (``env_obs``, ``first``) are known, and components may ask for what the
        environment has (actions, features). Keys that start with ``memory/`` are always inputs. Where neither ``spec``
        nor ``input_shapes`` are given, every key without producer is an input of unknown shape.

        Raises:
            ConfigError: the config has faults; the message has all of them, a line each.
        """
        check = NetworkCheck(self.class_registry, _read(config), spec)
        check.run()
        if check.faults:
            lines = "\n".join(f"- {fault}" for fault in dict.fromkeys(check.faults))
            raise ConfigError(f"this network cannot be built:\n{lines}")
        return _create(check)


def _create(check: NetworkCheck) -> ComponentContainer:
    """Real components, from the generator of torch, in the order of the config."""
    network = ComponentContainer(check.container_inputs(), order=check.config.order, symbols=check.symbols)
    bare = {name: draft.cls(**draft.arguments) for name, draft in check.drafts.items() if draft.cls is not None}
    for name, draft in check.drafts.items():
        if draft.config.share_with is not None:
            share_parameters(bare[name], bare[check.owner_of(name)])
        try:
            component = wrapped(bare[name], draft.config.wrappers)
        except (ValueError, TypeError, KeyError) as error:
            stack = [wrapper.type for wrapper in draft.config.wrappers]
            raise ConfigError(f"component {name!r} cannot be put into its wrappers {stack}: {error}") from error
        network.register_component(name, component, draft.config.dependencies)
    assert all(unwrapped(network[name]) is bare[name] for name in bare)
    return network.build()


def _read(config: NetworkConfig | Mapping[str, Any] | str | Path) -> NetworkConfig:
    if isinstance(config, NetworkConfig):
        return config
    try:
        if isinstance(config, str | Path):
            return load_network(str(config))
        return NetworkConfig.model_validate(config)
    except ConfigError as error:
        if isinstance(error.__cause__, ValidationError):
            raise ConfigError(f"this is no network:\n{_describe(error.__cause__)}") from error
        raise


def _describe(error: ValidationError) -> str:
    known = {False: ComponentConfig, True: WrapperConfig}
    lines: list[str] = []
    for fault in error.errors(include_url=False):
        *place, key = (str(part) for part in fault["loc"] or ("network",))
        where = ".".join((*place, key))
        if fault["type"] == "too_short" and fault["input"]:
            continue  # pydantic counts those without faults
        if fault["type"] == "extra_forbidden":
            fields = known["wrappers" in place].model_fields if place else NetworkConfig.model_fields
            names = ["class" if name == "class_name" else name for name in fields]
            lines.append(f"- {where}: there is no such key; there are {names}.{did_you_mean(key, names)}")
        elif fault["type"] == "missing":
            lines.append(f"- {where} is missing.")
        else:
            message = fault["msg"].removeprefix("Value error, ")
            lines.append(
                f"- {where}={fault['input']!r}: {message}"
                if len(repr(fault["input"])) < 80
                else f"- {where}: {message}"
            )
    return "\n".join(lines)
