"""Networks as data: what `configs/network/*.yaml` hold. Torch-free, so that the command line can check them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import AliasChoices, ConfigDict, Field, field_validator, model_validator

from metta.agent.legacy.old_config import is_legacy
from metta.agent.legacy.translate import translate
from metta.agent.symbols import Constraint, Size, read_constraints, read_size
from metta.common.config import Config
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean
from metta.common.yaml_file import read_yaml, to_plain

NETWORKS_DIR = Path(__file__).resolve().parents[2] / "configs" / "network"
"""Where networks are looked for by name."""


class WrapperConfig(Config):
    """One wrapper of a component: its type (`clipping`) or class name, and its arguments."""

    type: str
    config: dict[str, Any] = Field(default_factory=dict, description="arguments of the wrapper")

    @field_validator("config", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return to_plain(value)


class ComponentConfig(Config):
    """One component. What can be inferred (sizes of inputs, actions of the environment) may be left out of `config`."""

    model_config = ConfigDict(serialize_by_alias=True)

    name: str = Field(min_length=1, description="how training control, checkpoints and get_component call it")
    class_name: str = Field(
        validation_alias=AliasChoices("class", "class_name"),
        serialization_alias="class",
        description="a name of metta/agent/components/registry.py",
    )
    config: dict[str, Any] = Field(default_factory=dict, description="arguments of the class, keys left out")
    in_keys: tuple[str, ...] = Field(default=(), description="keys it reads; empty: those of the class")
    out_keys: tuple[str, ...] = Field(default=(), description="keys it writes; empty: those of the class")
    wrappers: tuple[WrapperConfig, ...] = Field(default=(), description="wrappers, the innermost first")
    dependencies: tuple[str, ...] = Field(default=(), description="components that must run before, beside the keys'")
    share_with: str | None = Field(default=None, description="component whose parameters this one uses")

    @field_validator("config", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return to_plain(value)

    @field_validator("in_keys", "out_keys", "dependencies", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class NetworkConfig(Config):
    """Components and the shapes of what comes in from outside.

    ``input_shapes`` leave out the batch dimensions, or name them: a size is a number, a name (equal wherever it
    stands), a name with constraints (``"seq_len <= 2048"``), or null. A policy's network need not give them: its inputs
    are the environment's.

    >>> network = NetworkConfig.model_validate({
    ...     "input_shapes": {"observation": ["seq_len <= 2048", 64]},
    ...     "components": [{"name": "encoder", "class": "LinearModule", "config": {"out_features": 8},
    ...                     "in_keys": ["observation"], "out_keys": ["features"]}],
    ... })
    >>> network.input_shapes, network.symbols
    ({'observation': ('seq_len', 64)}, {'seq_len': (('<=', 2048),)})
    """

    input_shapes: dict[str, tuple[Size, ...]] = Field(
        default_factory=dict[str, tuple[Size, ...]], description="shapes of the inputs by key"
    )
    symbols: dict[str, tuple[Constraint, ...]] = Field(
        default_factory=dict[str, tuple[Constraint, ...]], description='constraints of symbolic sizes: {seq: "<= 64"}'
    )
    components: tuple[ComponentConfig, ...] = Field(min_length=1)
    order: Literal["dependency", "insertion"] = Field(
        default="dependency", description="run components as their keys demand, or as they are listed"
    )

    @model_validator(mode="before")
    @classmethod
    def _read_shapes(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        tree = dict(cast(Mapping[str, Any], data))
        if is_legacy(tree):
            tree = translate(tree).network
        given = tree.get("symbols") or {}
        symbols = {str(name): read_constraints(value, str(name)) for name, value in cast(Any, given).items()}
        shapes: dict[str, tuple[Size, ...]] = {}
        for key, shape in cast(Mapping[str, Any], tree.get("input_shapes") or {}).items():
            if not isinstance(shape, Sequence) or isinstance(shape, str):
                raise ConfigError(f"input_shapes.{key}={shape!r} is no list of sizes, such as [64] or [seq_len, 64].")
            sizes: list[Size] = []
            for entry in cast(Sequence[Any], shape):
                size, constraints = read_size(entry)
                sizes.append(size)
                if isinstance(size, str) and constraints:
                    symbols[size] = tuple(dict.fromkeys((*symbols.get(size, ()), *constraints)))
            shapes[key] = tuple(sizes)
        return {**tree, "input_shapes": shapes, "symbols": symbols}


def load_network(name: str) -> NetworkConfig:
    """The network in ``configs/network/<name>.yaml``, or in the YAML file that ``name`` is a path of.

    Files in the older style (components with ``_target_`` and ``sources``) are translated.

    Raises:
        ConfigError: there is no such file, or it holds no network.
    """
    path = Path(name).expanduser()
    if not (name.endswith((".yaml", ".yml")) or name.startswith(("/", "./", "../", "~")) or path.is_file()):
        path = NETWORKS_DIR / f"{name}.yaml"
        if not path.exists():
            names = sorted(
                file.relative_to(NETWORKS_DIR).with_suffix("").as_posix() for file in NETWORKS_DIR.rglob("*.yaml")
            )
            raise ConfigError(
                f"there is no network {name!r} in configs/network; there are {names}.{did_you_mean(name, names)} For a "
                f"file elsewhere give its path: ./{name}.yaml"
            )
    tree = read_yaml(path, allow_targets=True)
    if is_legacy(tree):
        return NetworkConfig.model_validate(translate(tree, str(path)).network)
    return NetworkConfig.model_validate(read_yaml(path))


def read_network(value: Any) -> Any:
    """For fields of type ``NetworkConfig``: text is a name or path, everything else is left as it is."""
    return load_network(value) if isinstance(value, str) else value
