"""The older style of agent YAML, read: a header, and components with ``_target_`` and ``sources``. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from metta.common.suggest import did_you_mean

HEADER = (
    "_target_",
    "agent_type",
    "analyze_weights_interval",
    "clip_range",
    "components",
    "defaults",
    "input_shapes",
    "l2_init_loss_coef",
    "l2_init_weight_update_interval",
    "observations",
)
PARAM_OPTIONS = (
    "nonlinearity",
    "clip_scale",
    "l2_init_scale",
    "initialization",
    "effective_rank",
    "analyze_weights",
    "analyze_weights_bool",
)
"""What every older component with weights could say."""
_WORDS = ("_target_", "name", "sources", "nn_params", "_nn_params", *PARAM_OPTIONS)


@dataclass(frozen=True, slots=True)
class Source:
    """One input: the component it comes from, and which part of its output. ``dim`` counts the batch's as 0."""

    name: str
    cut: tuple[int, int] | None = None
    dim: int | None = None


@dataclass(slots=True)
class OldComponent:
    """One component as the file says it; ``arguments`` are its ``nn_params`` and whatever stands beside them."""

    name: str
    target: str
    sources: tuple[Source, ...]
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def class_name(self) -> str:
        """The last part of the target: ``metta.agent.lib.nn_layer_library.Linear`` is ``Linear``."""
        return self.target.rpartition(".")[2]


@dataclass(slots=True)
class OldConfig:
    """The whole file, and what is wrong with it."""

    components: dict[str, OldComponent] = field(default_factory=dict[str, OldComponent])
    obs_key: str = "grid_obs"
    clip_range: float = 0.0
    analyze_weights_interval: int = 300
    l2_init_weight_update_interval: int = 0
    l2_init_loss_coef: float = 0.0
    input_shapes: dict[str, Any] = field(default_factory=dict[str, Any])
    unused: dict[str, Any] = field(default_factory=dict[str, Any])
    faults: list[str] = field(default_factory=list[str])


def is_legacy(tree: Any) -> bool:
    """Whether ``tree`` is in the older style: ``components`` is a mapping, and the present one has a list.

    >>> is_legacy({"components": {"encoder": {"_target_": "x.Linear"}}}), is_legacy({"components": []})
    (True, False)
    """
    return isinstance(tree, Mapping) and isinstance(cast(Mapping[str, Any], tree).get("components"), Mapping)


def read_old_config(tree: Mapping[str, Any]) -> OldConfig:
    """The file as objects. What cannot be read is among ``faults`` and left out."""
    config = OldConfig()
    for key in tree:
        if key not in HEADER:
            config.faults.append(f"{key}: older configs have no such key; they have {list(HEADER)}.{_hint(key)}")
    observations = tree.get("observations") or {}
    if isinstance(observations, Mapping):
        config.obs_key = str(cast(Mapping[str, Any], observations).get("obs_key", config.obs_key))
    else:
        config.faults.append(f"observations={observations!r} is no mapping, such as {{obs_key: grid_obs}}.")
    for key in ("clip_range", "analyze_weights_interval", "l2_init_weight_update_interval", "l2_init_loss_coef"):
        value = tree.get(key, getattr(config, key))
        whole = isinstance(getattr(config, key), int)
        if not _is_number(value, whole):
            config.faults.append(f"{key}={value!r}: expected {'a whole number' if whole else 'a number'} of 0 or more.")
        else:
            setattr(config, key, value)
    config.input_shapes = dict(tree.get("input_shapes") or {})
    config.unused = {key: tree[key] for key in ("_target_", "agent_type", "defaults") if key in tree}
    for name, entry in cast(Mapping[str, Any], tree["components"]).items():
        component = _read_component(str(name), entry, config.faults)
        if component is not None:
            config.components[component.name] = component
    if not tree["components"]:
        config.faults.append("components is empty.")
    return config


def _read_component(name: str, entry: Any, faults: list[str]) -> OldComponent | None:
    who = f"components.{name}"
    if not isinstance(entry, Mapping):
        faults.append(f"{who}={entry!r} is no component: expected {{_target_: ..., sources: [...]}}.")
        return None
    given = cast(Mapping[str, Any], entry)
    target = given.get("_target_")
    if not isinstance(target, str):
        faults.append(f"{who}._target_ is {'missing' if target is None else repr(target)}: expected a class's name.")
        return None
    if str(given.get("name", name)) != name:
        faults.append(f"{who}.name={given['name']!r} is another name than the one it stands under.")
    arguments: dict[str, Any] = {}
    for key in ("nn_params", "_nn_params"):
        params = given.get(key) or {}
        if isinstance(params, Mapping):
            arguments.update(cast(Mapping[str, Any], params))
        else:
            faults.append(f"{who}.{key}={params!r} is no mapping of arguments.")
    for key, value in given.items():
        if key in _WORDS:
            continue
        if key in arguments and arguments[key] != value:
            faults.append(f"{who}: {key}={value!r} here and {arguments[key]!r} in nn_params. Keep one of them.")
        arguments[key] = value
    options = {key: given[key] for key in PARAM_OPTIONS if key in given}
    return OldComponent(name, target, _read_sources(who, given.get("sources"), faults), arguments, options)


def _read_sources(who: str, value: Any, faults: list[str]) -> tuple[Source, ...]:
    """``null``, ``[name, ...]`` or ``[{name, slice, dim}, ...]``."""
    if value is None:
        return ()
    if isinstance(value, str | Mapping):
        value = [value]
    if not isinstance(value, Sequence):
        faults.append(f"{who}.sources={value!r}: expected a list of names, or of {{name, slice, dim}}.")
        return ()
    found: list[Source] = []
    for place, entry in enumerate(cast(Sequence[Any], value)):
        where = f"{who}.sources.{place}"
        if isinstance(entry, str):
            found.append(Source(entry))
            continue
        if not isinstance(entry, Mapping) or "name" not in entry:
            faults.append(f"{where}={entry!r} has no name: expected {{name: encoder}}.")
            continue
        source = cast(Mapping[str, Any], entry)
        for key in source:
            if key not in ("name", "slice", "dim"):
                hint = did_you_mean(key, ("name", "slice", "dim"))
                faults.append(f"{where}: a source has name, slice and dim, no {key!r}.{hint}")
        cut, dim = source.get("slice"), source.get("dim")
        if cut is not None and not (isinstance(cut, list) and [type(end) for end in cast(list[Any], cut)] == [int] * 2):
            faults.append(f"{where}.slice={cut!r}: expected [start, end].")
            cut = None
        if dim is not None and (not isinstance(dim, int) or dim == 0):
            faults.append(f"{where}.dim={dim!r}: expected a dimension; 0 is the batch's, which cannot be cut.")
            dim = None
        found.append(Source(str(source["name"]), None if cut is None else (cut[0], cut[1]), dim))
    return tuple(found)


def _is_number(value: Any, whole: bool) -> bool:
    kinds = int if whole else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and 0 <= value < float("inf")


def _hint(key: str) -> str:
    return did_you_mean(key, HEADER)
