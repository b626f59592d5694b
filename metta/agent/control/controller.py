"""Controller: carries a TrainingControl out on a network's components, and reports what is in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from torch import Tensor

from metta.agent.control.exchange import control_in, hear_signals, write_plain
from metta.agent.control.populations import Populations
from metta.agent.control.training_control import ALL, REPORT_KEYS, ControlReport, TrainingControl
from metta.agent.module import MettaModule
from metta.agent.wrappers.base import Role, WrapperModule, trainable, unwrapped, wrappers_of
from metta.agent.wrappers.clipping import ClippingWrapper
from metta.agent.wrappers.eval_mode import EvalModeWrapper
from metta.agent.wrappers.gradient_accumulation import GradientAccumulationWrapper
from metta.agent.wrappers.gradient_clipping import GradientClippingWrapper
from metta.agent.wrappers.learning_rate import LearningRateWrapper
from metta.agent.wrappers.no_grad import NoGradWrapper
from metta.agent.wrappers.registry import wrapper_class
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

if TYPE_CHECKING:
    from metta.agent.container import ComponentContainer

Wrapper = TypeVar("Wrapper", bound=WrapperModule)
Value = TypeVar("Value")


class Controller:
    """The middle of the triangle: the trainer says what it wants, wrappers make it so, reports say what is in force.

    Wrappers that a control asks for are the controller's own and are taken off again when they are no longer asked
    for; wrappers that somebody put there (in a config, in code) are only switched on and off.

    >>> from metta.agent.components.linear import LinearModule
    >>> from metta.agent.container import ComponentContainer
    >>> network = ComponentContainer()
    >>> network.add_component("encoder", LinearModule(3, 8, "observation", "features"))
    >>> network.controller.apply(TrainingControl(frozen_components=("encoder",))).component_status
    {'encoder': 'frozen'}
    """

    def __init__(self, network: ComponentContainer) -> None:
        self.network = network
        self.populations = Populations(network)
        self._own: dict[tuple[str, type[WrapperModule]], WrapperModule] = {}

    # --- intent ---------------------------------------------------------------------------------------------------

    def check(self, control: TrainingControl) -> None:
        """Raise unless ``control`` fits this network; nothing is changed.

        Raises:
            ConfigError: all faults at once: components, output keys, wrappers that do not exist.
        """
        faults: list[str] = []
        for field, mentioned in control.component_names().items():
            faults += [fault for name in mentioned if (fault := self._check_component(field, name))]
        faults += self.populations.check(control)
        keys = list(self.network.out_keys)
        for key in control.output_clipping or {}:
            if key not in keys:
                faults.append(f"output_clipping names output {key!r}; there are {keys}.{did_you_mean(key, keys)}")
        for field in ("activate_wrappers", "deactivate_wrappers"):
            for name, kinds in (getattr(control, field) or {}).items():
                faults += self._check_wrappers(field, name, kinds)
        if faults:
            raise ConfigError("training control does not fit this network: " + " ".join(faults))

    def apply(self, control: TrainingControl) -> ControlReport:
        """Carry ``control`` out and say what is in force now.

        Raises:
            ConfigError: it does not fit; the network stays as it was.
        """
        self.check(control)
        for name in self._expand(control.unfrozen_components or ()):
            self._drop(name, NoGradWrapper)
        for name in self._expand(control.frozen_components or ()):
            self._ensure(name, NoGradWrapper)
        for name, rate in self._each(control.component_lr):
            if rate is None:
                self._drop(name, LearningRateWrapper)
            else:
                self._ensure(name, LearningRateWrapper, learning_rate=rate)
        for name, steps in self._each(control.gradient_accumulation):
            if steps > 1:
                self._ensure(name, GradientAccumulationWrapper, accumulation_steps=steps)
            else:
                self._drop(name, GradientAccumulationWrapper)
        for name, norm in self._each(control.gradient_clip):
            if norm > 0:
                self._ensure(name, GradientClippingWrapper, max_norm=norm)
            else:
                self._drop(name, GradientClippingWrapper)
        if control.eval_mode_components is not None:
            self._set_eval_mode(set(self._expand(control.eval_mode_components)))
        if control.output_clipping is not None:
            self._set_output_clipping(control.output_clipping)
        self.populations.apply(control)
        if control.training_phase is not None:
            self.network.signals.training_phase = control.training_phase
        self._switch(control.deactivate_wrappers, active=False)
        self._switch(control.activate_wrappers, active=True)
        return self.report()

    def reset(self) -> None:
        """Take all wrappers of the controller off and forget what was asked for."""
        for name, kind in list(self._own):
            self._take_own(name, kind)
        self.populations.reset()

    def state_dict(self) -> dict[str, Any]:
        """What the controller did to the network, as plain JSON: enough to do it again."""
        own = [
            {"component": name, "wrapper": wrapper.kind, "settings": _settings(wrapper)}
            for (name, _), wrapper in self._own.items()
        ]
        active = {
            name: [wrapper.active for wrapper in wrappers_of(component)] for name, component in self._components()
        }
        return {
            "own": own,
            "active": {name: flags for name, flags in active.items() if flags},
            "training_phase": self.network.signals.training_phase,
            "populations": self.populations.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Bring a network as it was built to the state that ``state_dict`` told.

        Raises:
            ConfigError: the network has other components or wrappers.
        """
        self.reset()
        for entry in state["own"]:
            self._ensure(entry["component"], wrapper_class(entry["wrapper"]), **entry["settings"])
        for name, flags in state["active"].items():
            stack = wrappers_of(self.network.get_component(name))
            if len(stack) != len(flags):
                raise ConfigError(
                    f"component {name!r} has {len(stack)} wrappers, the saved state has {len(flags)}. Was "
                    "policy_architecture changed since the run began?"
                )
            for wrapper, flag in zip(stack, flags, strict=True):
                wrapper.active = flag
        self.network.signals.training_phase = state["training_phase"]
        if "populations" in state:  # states of older versions have none
            self.populations.load_state_dict(state["populations"])

    # --- what is in force -----------------------------------------------------------------------------------------

    def report(self) -> ControlReport:
        """What the components report, by component."""
        parts: dict[str, dict[str, Any]] = {}
        for name, component in self._components():
            stack = wrappers_of(component)
            if stack:
                states = {type(wrapper).__name__: "active" if wrapper.active else "inactive" for wrapper in stack}
                parts.setdefault("wrapper_status", {})[name] = states
            for wrapper in reversed(
                [wrapper for wrapper in stack if wrapper.active]
            ):  # the outermost has the last word
                for key, value in wrapper.report().items():
                    if key == "_component_status" and parts.get("component_status", {}).get(name) == "frozen":
                        continue  # but frozen stays frozen
                    if key[1:] in ControlReport.model_fields:
                        parts.setdefault(key[1:], {})[name] = value
        if populations := self.populations.report():
            parts["population_status"] = populations
        return ControlReport.model_validate(parts)

    def is_frozen(self, name: str) -> bool:
        """Whether the component learns nothing at present."""
        component = self.network[name]
        stack = wrappers_of(component)
        if any(wrapper.freezes and wrapper.active for wrapper in stack):
            return True
        return not any(parameter.requires_grad for parameter in component.parameters())

    # --- the edge: signals in a TensorDict --------------------------------------------------------------------------

    def hear(self, td: Any) -> None:
        """Carry out the signals in ``td``. A forward pass with the same signals again changes nothing."""
        hear_signals(self.network.signals, td)
        if (control := control_in(td)) is not None:
            self.apply(control)

    def answer(self, td: Any) -> None:
        """Write what is in force into ``td``, under the report keys; those with nothing to tell are empty."""
        report = self.report()
        told, there = report.signals(), set(td.keys())
        for key in sorted(REPORT_KEYS):
            if key in told or key not in there:
                write_plain(td, key, told.get(key, {}))
        if report.component_lr_actual:
            write_plain(td, "_component_lr_requests", report.component_lr_actual)

    # --- wrapping by hand -----------------------------------------------------------------------------------------

    def wrap_component(
        self, name: str, kind: str | type[WrapperModule], config: Mapping[str, Any] | None = None
    ) -> WrapperModule:
        """Put a wrapper, by type or class, around the component; it stays until ``unwrap_component``."""
        cls = wrapper_class(kind) if isinstance(kind, str) else kind
        inner = self.network.get_component(name)
        if not isinstance(inner, MettaModule):
            raise ConfigError(f"component {name!r} is a container; wrap the components inside it.")
        wrapper = cls(inner, **{"component_name": name, **(config or {})})
        self.network.swap_component(name, wrapper)
        return wrapper

    def unwrap_component(self, name: str) -> bool:
        """Take all wrappers off the component; False when it had none."""
        component = self.network.get_component(name)
        if not isinstance(component, WrapperModule):
            return False
        self._own = {key: wrapper for key, wrapper in self._own.items() if key[0] != name}
        training = component.training
        self.network.swap_component(name, unwrapped(component))
        self.network[name].train(training)
        return True

    # --- inside ---------------------------------------------------------------------------------------------------

    def _components(self) -> Iterator[tuple[str, MettaModule]]:
        for name, component in self.network.items():
            if isinstance(component, MettaModule):
                yield name, component

    def _expand(self, names: Iterable[str]) -> list[str]:
        given = list(names)
        every = [name for name, _ in self._components()] if ALL in given else []
        return list(dict.fromkeys([*every, *(name for name in given if name != ALL)]))

    def _each(self, values: Mapping[str, Value] | None) -> Iterator[tuple[str, Value]]:
        """Value by component: what is said of ``all`` holds for those that learn and are not named themselves."""
        if values:
            named = {name: value for name, value in values.items() if name != ALL}
            if ALL in values:
                learning = (name for name, component in self._components() if trainable(component))
                named = {**dict.fromkeys(learning, values[ALL]), **named}
            yield from named.items()

    def _ensure(self, name: str, kind: type[Wrapper], **settings: Any) -> Wrapper:
        own = self._own.get((name, kind))
        if own is None:
            inner = self.network.get_component(name)
            assert isinstance(inner, MettaModule)
            own = kind(inner, component_name=name, **settings)
            self.network.swap_component(name, own)
            self._own[name, kind] = own
        for key, value in settings.items():
            setattr(own, key, value)
        own.active = True
        assert isinstance(own, kind)
        return own

    def _drop(self, name: str, kind: type[WrapperModule]) -> None:
        """Take the controller's own wrapper out; those that somebody else put there are switched off."""
        self._take_own(name, kind)
        for wrapper in wrappers_of(self.network[name]):
            if isinstance(wrapper, kind):
                wrapper.active = False

    def _take_own(self, name: str, kind: type[WrapperModule]) -> None:
        own = self._own.pop((name, kind), None)
        if own is None:
            return
        training = self.network[name].training
        take_off(self.network, name, own)
        if kind is EvalModeWrapper:  # what it kept in eval mode follows the network's mode again
            self.network[name].train(training)

    def _set_eval_mode(self, wanted: set[str]) -> None:
        for name, _ in list(self._components()):
            if name in wanted:
                self._ensure(name, EvalModeWrapper)
            else:
                self._drop(name, EvalModeWrapper)

    def _set_output_clipping(self, ranges: Mapping[str, tuple[float, float]]) -> None:
        for name, component in list(self._components()):
            mine = {key: ranges[key] for key in map(str, component.out_keys_source) if key in ranges}
            if mine:
                self._ensure(name, ClippingWrapper, clip_ranges=mine)
            else:
                self._take_own(name, ClippingWrapper)

    def _switch(self, wanted: Mapping[str, tuple[str, ...]] | None, *, active: bool) -> None:
        for given, kinds in (wanted or {}).items():
            for name in self._expand((given,)):
                self._switch_one(name, kinds, active=active)

    def _switch_one(self, name: str, kinds: Iterable[str], *, active: bool) -> None:
        for wrapper in wrappers_of(self.network[name]):
            if not set(kinds).isdisjoint(wrapper.names()):
                wrapper.active = active

    def _check_component(self, field: str, name: str) -> str:
        names = list(self.network.keys())
        if name not in names:
            return f"{field} names component {name!r}; there are {names}.{did_you_mean(name, names)}"
        component = self.network[name]
        if not isinstance(component, MettaModule):
            inside = [child for child, _ in component.named_children()]
            return f"{field} names {name!r}, a network of {inside} of its own. Control the components of that one."
        if field in _LEARNING and not trainable(component):
            return f"{field} names component {name!r}, which has no weights to learn."
        return ""

    def _check_wrappers(self, field: str, name: str, kinds: Iterable[str]) -> list[str]:
        named = [name] if name != ALL else [other for other, _ in self._components()]
        if name != ALL and self._check_component(field, name):
            return []  # told already
        there: set[str] = set()
        for other in named:
            for wrapper in wrappers_of(self.network[other]):
                there |= set(wrapper.names())
        return [
            f"{field}.{name} names wrapper {kind!r}; there are {sorted(there)}.{did_you_mean(kind, there)}"
            for kind in kinds
            if kind not in there
        ]


_LEARNING = ("component_lr", "gradient_accumulation", "gradient_clip")

_SETTINGS = {
    ClippingWrapper: "clip_ranges",
    GradientAccumulationWrapper: "accumulation_steps",
    GradientClippingWrapper: "max_norm",
    LearningRateWrapper: "learning_rate",
}


def _settings(wrapper: WrapperModule) -> dict[str, Any]:
    name = _SETTINGS.get(type(wrapper))
    if name is None:
        return {}
    value = getattr(wrapper, name)
    return {name: {key: list(item) for key, item in value.items()} if isinstance(value, dict) else value}


def take_off(network: ComponentContainer, name: str, wrapper: WrapperModule) -> None:
    """Remove one wrapper from a component's stack, wherever it stands in it."""
    stack = wrappers_of(network[name])
    place = next((index for index, other in enumerate(stack) if other is wrapper), None)
    if place is None:
        return
    if place == 0:
        network.swap_component(name, wrapper.inner)
        return
    stack[place - 1].replace_inner(wrapper.inner)


def wrapper_states(network: ComponentContainer, role: Role | None = None) -> dict[str, Tensor]:
    """What all wrappers (of that role) remember: ``<component>/<place in the stack>.<wrapper type>/<name>``."""
    return {
        f"{head}{key}": value
        for head, wrapper in _by_place(network)
        if role is None or wrapper.role == role
        for key, value in wrapper.wrapper_state().items()
    }


def load_wrapper_states(network: ComponentContainer, states: Mapping[str, Tensor]) -> None:
    """Inverse of :func:`wrapper_states`, once the same wrappers are there."""
    for head, wrapper in _by_place(network):
        mine = {key[len(head) :]: value for key, value in states.items() if key.startswith(head)}
        if mine:
            wrapper.load_wrapper_state(mine)


def _by_place(network: ComponentContainer, above: str = "") -> Iterator[tuple[str, WrapperModule]]:
    for name, component in network.items():
        if not isinstance(component, MettaModule):
            yield from _by_place(component, f"{above}{name}.")  # pyright: ignore[reportArgumentType] - the other kind
        for place, wrapper in enumerate(reversed(wrappers_of(component))):
            yield f"{above}{name}/{place}.{wrapper.kind}/", wrapper
