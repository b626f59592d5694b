"""The translation of one component: what its rule may ask of the old one, and how it puts the new one down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from metta.agent.legacy.old_config import PARAM_OPTIONS, OldComponent, OldConfig, Source
from metta.agent.legacy.translation import TranslatedComponent, WeightRule
from metta.common.suggest import did_you_mean

Kind = Literal["tensor", "tokens", "action embeddings", "lost"]
OBSERVATION = "env_obs"
NODE_KEYS = {"_core_": "core", "_action_": "logits", "_value_": "values"}
"""Nodes that every older config had, and the keys by which a policy knows their outputs."""
ACTIVATIONS = {
    "relu": "relu",
    "tanh": "tanh",
    "gelu": "gelu",
    "silu": "silu",
    "sigmoid": "sigmoid",
    "elu": "elu",
    "leakyrelu": "leaky_relu",
}
INITIALISATIONS = {"orthogonal": "orthogonal", "xavier": "xavier", "normal": "normal", "max_0_01": "small"}
_SQRT_2 = 2**0.5


class FaultError(Exception):
    """A component that cannot be translated; the text is a line of the message with all faults."""


@dataclass(frozen=True, slots=True)
class Value:
    """What readers of an old component get: a key and that of its mask, or arguments for the reader itself.

    ``"lost"``: the component has a fault. Its readers are looked at nevertheless, so that all faults are found.
    """

    key: str
    kind: Kind = "tensor"
    mask: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    owner: str = ""


@dataclass(slots=True)
class Book:
    """All that was translated so far."""

    config: OldConfig
    values: dict[str, Value] = field(default_factory=dict[str, Value])
    network: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    rows: list[TranslatedComponent] = field(default_factory=list[TranslatedComponent])
    dropped: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    keys: set[str] = field(default_factory=lambda: {OBSERVATION, "first", *NODE_KEYS.values()})

    def key_for(self, name: str) -> str:
        """The key that component ``name`` writes: never with a leading underscore, which marks training signals."""
        if name in NODE_KEYS:
            return NODE_KEYS[name]
        key = name.strip("_") or "node"
        while key in self.keys:
            key += "_out"
        self.keys.add(key)
        return key


class Task:
    """One component on its way."""

    def __init__(self, old: OldComponent, book: Book) -> None:
        self.old, self.book = old, book
        self.left = dict(old.arguments)
        self._asked: list[str] = []

    # --- asking ---------------------------------------------------------------------------------------------------

    def take(self, *names: str, default: Any = None) -> Any:
        """The argument by any of its names, the first that is given; it is then dealt with."""
        self._asked.extend(names)
        found = [name for name in names if name in self.left]
        values = [self.left.pop(name) for name in found]
        if any(value != values[0] for value in values):
            raise FaultError(f"{' and '.join(found)} are one and the same, but differ: {values}. Keep one of them.")
        return values[0] if values and values[0] is not None else default

    def size(self, *names: str, default: int | None = None) -> int:
        """A whole number above 0 that has to be there."""
        value = self.take(*names, default=default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            missing = f"needs {names[0]}" if value is None else f"has {names[0]}={value!r}"
            raise FaultError(f"{missing}; expected a whole number of 1 or more.")
        return value

    def given(self, *names: str) -> dict[str, Any]:
        """Those of the arguments that are there, under the same names."""
        found = {name: self.take(name) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    def drop(self, name: str, reason: str) -> None:
        """Say why an argument or option has no meaning any more, if it is there."""
        self._asked.append(name)
        if name in self.left or name in self.old.options:
            value = self.left.pop(name, self.old.options.get(name))
            self.book.dropped.append((f"components.{self.old.name}.{name}={value}", reason))

    def leftovers(self) -> list[str]:
        """A fault for each argument that the rule did not ask for."""
        known = sorted({*self._asked} - {*PARAM_OPTIONS})
        return [
            f"{self.old.class_name} has no argument {name!r}; it has {known}.{did_you_mean(name, known)}"
            for name in self.left
        ]

    # --- inputs ---------------------------------------------------------------------------------------------------

    def sources(self, kind: Kind = "tensor") -> list[Value]:
        """What the component reads, each cut as it asks; ``FaultError`` where something is of another kind."""
        found = [self._value_of(source) for source in self.old.sources] or [Value(OBSERVATION)]
        for source, value in zip(self.old.sources, found, strict=False):
            if value.kind not in (kind, "lost") and not (kind == "tokens" and value.key == OBSERVATION):
                raise FaultError(_MSG_KIND.format(source.name, value.kind, kind, _READERS[value.kind]))
        return found

    def source(self, kind: Kind = "tensor") -> Value:
        """The one input, with the part of it that is asked for."""
        found = self.sources(kind)
        if len(found) > 1:
            names = [source.name for source in self.old.sources]
            raise FaultError(f"reads one source, got {names}. Put a ConcatMergeLayer before it.")
        if self.old.sources and self.old.sources[0].cut is not None:
            return self._cut(self.old.sources[0], found[0])
        return found[0]

    def _value_of(self, source: Source) -> Value:
        config = self.book.config
        if source.name in self.book.values:
            return self.book.values[source.name]
        if source.name in config.input_shapes:
            return Value(source.name)
        if source.name in (config.obs_key, OBSERVATION):
            return Value(OBSERVATION)
        return Value("", "lost")  # said when the order was made

    def _cut(self, source: Source, value: Value) -> Value:
        name = f"{self.old.name.strip('_')}_input"
        key = self.book.key_for(name)
        self.book.network.append(_entry(name, "Merge", merge_arguments("concat", [source]), [value.key], [key]))
        return Value(key)

    # --- what every component with weights could say ----------------------------------------------------------------

    def activation(self) -> str | None:
        """The nonlinearity by its present name; ReLU where nothing is said, None for ``null``."""
        value = self._option("nonlinearity", "nn.ReLU")
        if value is None:
            return None
        name = str(value).rpartition(".")[2].lower()
        if name not in ACTIVATIONS:
            raise FaultError(
                f"nonlinearity={value!r} is unknown; there are {_ACTIVATION_NAMES} and null.{_hint(value)}"
            )
        return ACTIVATIONS[name]

    def initialisation(self, activation: str | None) -> dict[str, Any]:
        """``gain`` and, where it is not orthogonal, ``init``. Orthogonal layers had gain sqrt 2 before Tanh, else 1."""
        value = self._option("initialization", "Orthogonal")
        name = INITIALISATIONS.get(str(value).lower())
        if name is None:
            options = ["Orthogonal", "Xavier", "Normal", "max_0_01"]
            raise FaultError(f"initialization={value!r}; there are {options}.{did_you_mean(str(value), options)}")
        if name != "orthogonal":
            return {"init": name}
        return {"gain": _SQRT_2 if activation == "tanh" else 1.0}

    def wrappers(self) -> list[dict[str, Any]]:
        """Weight clipping, analysis and L2 to the initial weights, as far as they were on."""
        config = self.book.config
        clip = config.clip_range * self._number("clip_scale", 1.0)
        analyse = any(self._option(name) for name in ("effective_rank", "analyze_weights", "analyze_weights_bool"))
        interval = config.analyze_weights_interval
        found: list[dict[str, Any]] = []
        if clip or (analyse and interval):
            settings: dict[str, Any] = {"interval": interval} if analyse and interval else {"monitor_health": False}
            found.append(
                {"type": "weight_monitoring", "config": {**settings, **({"clip_scale": clip} if clip else {})}}
            )
        l2 = config.l2_init_loss_coef * self._number("l2_init_scale", 1.0)
        if l2:
            every = config.l2_init_weight_update_interval
            settings = {"l2_scale": 0.0, "l2_init_scale": l2, "l2_init_update_interval": every}
            found.append({"type": "regularized", "config": settings})
        if not config.clip_range:
            self.drop("clip_scale", "clip_range is 0, so nothing is clipped")
        if not config.l2_init_loss_coef:
            self.drop("l2_init_scale", "its coefficient stood in the trainer's config; add l2_init_loss_coef above 0")
        if analyse and not interval:
            self.drop("effective_rank", "analyze_weights_interval is 0, so nothing is analysed")
        return found

    def _option(self, name: str, default: Any = None) -> Any:
        self._asked.append(name)
        return self.old.options.get(name, default)

    def _number(self, name: str, default: float) -> float:
        value = self._option(name, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise FaultError(f"{name}={value!r}: expected a number of 0 or more.")
        return float(value)

    # --- putting down ---------------------------------------------------------------------------------------------

    def add(
        self,
        cls: str,
        config: Mapping[str, Any],
        inputs: Sequence[str],
        *,
        weights: Sequence[WeightRule] = (),
        wrappers: Sequence[Mapping[str, Any]] = (),
        out_mask: bool = False,
        note: str = "",
    ) -> Value:
        """The new component, under the old one's name."""
        name = self.old.name
        key = self.book.key_for(name)
        outputs = [key, self.book.key_for(f"{key}_mask")] if out_mask else [key]
        self.book.network.append(_entry(name, cls, config, inputs, outputs, wrappers))
        rules = tuple(WeightRule(rule.old, rule.new, name, rule.shaping, rule.why) for rule in weights)
        stack = ", ".join(f"in {wrapper['type']} {wrapper['config']}" for wrapper in wrappers)
        text = "; ".join(filter(None, (note, stack)))
        self.book.rows.append(TranslatedComponent(name, self.old.target, name, cls, dict(config), text, rules))
        self._drop_unread("the component sees to that itself" if weights else "the component has no weights")
        return Value(key, mask=outputs[1] if out_mask else None)

    def fold(self, value: Value, note: str, weights: Sequence[WeightRule] = ()) -> Value:
        """No component of its own: who reads the old one gets ``value``."""
        row = TranslatedComponent(self.old.name, self.old.target, None, "-", {}, note, tuple(weights))
        self.book.rows.append(row)
        self._drop_unread("there is no such component any more")
        return value

    def _drop_unread(self, reason: str) -> None:
        for option in self.old.options:
            if option not in self._asked:
                self.drop(option, reason)


def merge_arguments(merge_type: str, sources: Sequence[Source]) -> dict[str, Any]:
    """Arguments of ``Merge``. The old ``dim``, also the one to join along, counts the batch's dimension; ours does not.

    Raises:
        FaultError: sources to be joined name different dimensions.
    """
    config: dict[str, Any] = {"merge_type": merge_type}
    named = sorted({source.dim - (source.dim > 0) for source in sources if source.dim is not None})
    if merge_type == "concat" and len(sources) > 1 and named:
        if len(named) > 1:
            raise FaultError("its sources name different dims; they are joined along one. Cut them before.")
        config["dim"] = named[0]
    if any(source.cut for source in sources):
        dims = [-1 if source.dim is None else source.dim - (source.dim > 0) for source in sources]
        config["slices"] = [None if s.cut is None else [*s.cut, dim] for s, dim in zip(sources, dims, strict=True)]
    return config


def _entry(
    name: str,
    cls: str,
    config: Mapping[str, Any],
    inputs: Sequence[str],
    outputs: Sequence[str],
    wrappers: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "class": cls, "config": dict(config)}
    entry |= {"in_keys": list(inputs), "out_keys": list(outputs)}
    return {**entry, "wrappers": [dict(wrapper) for wrapper in wrappers]} if wrappers else entry


def _hint(value: Any) -> str:
    return did_you_mean(str(value).rpartition(".")[2], _ACTIVATION_NAMES)


_ACTIVATION_NAMES = ["ReLU", "Tanh", "GELU", "SiLU", "Sigmoid", "ELU", "LeakyReLU"]
_MSG_KIND = "reads {!r}, which holds {}, not a {}; only {} can read that. Name another source."
_READERS = {
    "tokens": "token embeddings (ObsAttrEmbedFourier ...)",
    "action embeddings": "actors (MettaActorSingleHead, MettaActorBig)",
    "tensor": "components for vectors and planes",
}
