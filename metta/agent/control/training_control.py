"""TrainingControl: what a training wants of its network's components. Torch-free, so that commands are checked fast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self, cast

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

ALL: Final = "all"
"""In place of a component's name: every component. ``all_components`` is read as the same."""

Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Steps = Annotated[int, Field(ge=1)]
Range = tuple[float, float]


class TrainingControl(Config):
    """Intent, by component name (``all`` stands for every component that is not named itself).

    An absent field leaves the present state alone; a present one replaces that aspect for the components it names.
    ``frozen_components`` and ``unfrozen_components`` change single components: the rest keeps its state.
    Its signal in a TensorDict is the field's name with an underscore before it.

    >>> TrainingControl(frozen_components=("encoder",), component_lr={"policy": 1e-5}).signals()
    {'_component_lr': {'policy': 1e-05}, '_frozen_components': ['encoder']}
    """

    component_lr: dict[str, Rate | None] | None = Field(
        default=None,
        description="learning rate of a component; the optimizer's schedule goes on multiplying it; null = the "
        "trainer's own",
    )
    frozen_components: tuple[str, ...] | None = Field(
        default=None, description="no gradient step, no weight decay, no momentum, no weight clipping"
    )
    unfrozen_components: tuple[str, ...] | None = Field(default=None, description="learn again")
    gradient_accumulation: dict[str, Steps] | None = Field(
        default=None, description="minibatches whose mean gradient makes one step of the component; 1 = each"
    )
    gradient_clip: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = Field(
        default=None, description="clip the norm of the component's gradient, before trainer.max_grad_norm; 0 = off"
    )
    eval_mode_components: tuple[str, ...] | None = Field(
        default=None, description="run in eval mode (no dropout, fixed statistics); () = none"
    )
    output_clipping: dict[str, Range] | None = Field(
        default=None, description="clamp an output key to [low, high]; {} = none"
    )
    training_phase: str | None = Field(default=None, description="what phase-aware wrappers are told")
    activate_wrappers: dict[str, tuple[str, ...]] | None = Field(
        default=None, description="switch wrappers of a component on, by class name or type"
    )
    deactivate_wrappers: dict[str, tuple[str, ...]] | None = Field(default=None, description="switch them off")
    agent_populations: dict[str, Steps] | None = Field(
        default=None,
        description="agents of each population, in the order of the agents of an environment; the rest belongs to the "
        "last one named; {} = split evenly",
    )
    parameter_sharing: dict[str, str] | None = Field(
        default=None,
        description="of a per-population component: all_agents = one set of weights, population = own ones",
    )
    sync_frequency: dict[str, Annotated[int, Field(ge=0)]] | None = Field(
        default=None,
        description="epochs after which a component's populations are set to their mean, weighted by agents; 0 = never",
    )

    @model_validator(mode="before")
    @classmethod
    def _all_by_one_name(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        stated = cast(Mapping[str, Any], data)
        return {key: _renamed(value) if key in _BY_COMPONENT else value for key, value in stated.items()}

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        both = sorted(set(self.frozen_components or ()) & set(self.unfrozen_components or ()))
        if both:
            raise ValueError(f"frozen_components and unfrozen_components both name {both}. Name each in one of them.")
        for key, (low, high) in (self.output_clipping or {}).items():
            if not low < high:
                raise ValueError(f"output_clipping.{key}=[{low}, {high}] is no range: expected low < high.")
        for name, sharing in (self.parameter_sharing or {}).items():
            if sharing not in ("all_agents", "population"):
                raise ValueError(f"parameter_sharing.{name}={sharing!r}; expected 'all_agents' or 'population'.")
        for name, kinds in (self.activate_wrappers or {}).items():
            if twice := sorted(set(kinds) & set((self.deactivate_wrappers or {}).get(name, ()))):
                raise ValueError(f"activate_wrappers and deactivate_wrappers both name {twice} of {name!r}.")
        return self

    def stated(self) -> dict[str, Any]:
        """The fields that say something, as plain JSON."""
        return self.model_dump(mode="json", exclude_none=True)

    def signals(self) -> dict[str, Any]:
        """The same by signal key."""
        return {f"_{name}": value for name, value in self.stated().items()}

    @classmethod
    def from_signals(cls, signals: Mapping[str, Any]) -> Self:
        """The control that seed-style signals (``_component_lr`` ...) state.

        Raises:
            ConfigError: names every signal that is unknown and every value that does not fit.
        """
        return cls._read(signals, {key: key[1:] for key in SIGNAL_KEYS}, "training signal")

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The control that ``fields`` state, by field or by signal: ``component_lr`` and ``_component_lr`` are one.

        Raises:
            ConfigError: names every key that is unknown or there twice, and every value that does not fit.
        """
        names = {key: key.removeprefix("_") for key in (*cls.model_fields, *SIGNAL_KEYS)}
        return cls._read(fields, names, "control field")

    @classmethod
    def _read(cls, given: Mapping[str, Any], names: Mapping[str, str], what: str) -> Self:
        faults: list[str] = []
        stated: dict[str, Any] = {}
        for key, value in given.items():
            if key not in names:
                faults.append(f"no {what} {key!r}; there are {sorted(names)}.{did_you_mean(key, names)}")
            elif names[key] in stated:
                faults.append(f"{names[key]} is there twice, with and without underscore.")
            else:
                stated[names[key]] = value
        control = None
        try:
            control = cls.model_validate(stated)
        except ConfigError as error:
            faults.append(str(error).rstrip(".") + ".")
        if control is None or faults:
            raise ConfigError(" ".join(faults))
        return control

    def component_names(self) -> dict[str, tuple[str, ...]]:
        """The component names that each field mentions, ``all`` left out."""
        found: dict[str, tuple[str, ...]] = {}
        for name in _BY_COMPONENT:
            value = getattr(self, name)
            if value:
                found[name] = tuple(component for component in value if component != ALL)
        return found


_BY_COMPONENT: Final = (
    "component_lr",
    "frozen_components",
    "unfrozen_components",
    "gradient_accumulation",
    "gradient_clip",
    "eval_mode_components",
    "activate_wrappers",
    "deactivate_wrappers",
    "parameter_sharing",
    "sync_frequency",
)


def _renamed(value: Any) -> Any:
    """``all`` for every ``all_components`` among component names."""
    if isinstance(value, Mapping):
        named = cast(Mapping[Any, Any], value)
        return {ALL if name == _ALL_TOO else name: item for name, item in named.items()}
    if isinstance(value, list | tuple):
        return [ALL if name == _ALL_TOO else name for name in cast(list[Any], value)]
    return value


_ALL_TOO: Final = "all_components"

SIGNAL_KEYS: Final = frozenset(f"_{name}" for name in TrainingControl.model_fields)
"""What a TensorDict may carry."""


class ControlReport(Config):
    """What is in force, by component: the answer to a :class:`TrainingControl`. Plain JSON."""

    component_lr_actual: dict[str, float] = Field(default_factory=dict)
    component_status: dict[str, str] = Field(default_factory=dict, description="training, frozen or eval")
    grad_accumulation_status: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="{step, every, should_update}"
    )
    gradient_clip_actual: dict[str, float] = Field(default_factory=dict)
    gradient_statistics: dict[str, dict[str, float]] = Field(default_factory=dict, description="norm, max, mean, ...")
    weight_statistics: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="<matrix>/{norm, dead_units, effective_rank, ...}"
    )
    wrapper_status: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="wrapper class -> active or inactive, the outermost first"
    )
    population_status: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="{agents, sharing, sync_frequency} of a component with weights per population"
    )
    performance_metrics: dict[str, dict[str, float]] = Field(default_factory=dict)

    def signals(self) -> dict[str, Any]:
        """By report key: ``_component_status`` ..., empty parts left out."""
        return {f"_{name}": value for name, value in self.model_dump(mode="json").items() if value}


REPORT_KEYS: Final = frozenset(f"_{name}" for name in ControlReport.model_fields)
"""What components report."""
