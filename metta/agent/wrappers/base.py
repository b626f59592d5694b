"""WrapperModule: behaviour around a component, without touching the component or the names of its parameters."""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator, Mapping
from typing import Any, ClassVar, Literal, Self, cast

from torch import Tensor, nn

from metta.agent.module import Data, MettaModule, TensorMap
from metta.agent.wrappers.signals import Signals
from metta.common.errors import KeyContractError

Role = Literal["behaviour", "training", "monitoring"]
"""What a wrapper is for: it changes outputs, it steers learning, or it only looks on."""


class WrapperModule(MettaModule):
    """Wraps ``inner``: keys and shapes are those of ``inner``, so are parameters and buffers, under their old names.

    A wrapper is no level of the module tree. ``state_dict``, ``named_parameters``, ``named_modules``, ``to`` and
    ``train`` see ``inner``'s; so wrapping, unwrapping and reordering leave checkpoints and optimizer groups valid, and
    wrappers nest in any order. Attributes that a wrapper lacks are looked up in ``inner``. What a wrapper itself
    remembers is not a buffer: it goes through ``wrapper_state`` and belongs to the training's state.

    Subclasses implement ``_active_compute``; with ``active=False`` the wrapper is passed over. ``component_name`` is
    how reports and signals call the component; a container sets it when the component is registered.

    >>> from metta.agent.components.linear import LinearModule
    >>> class Doubled(WrapperModule):
    ...     def _active_compute(self, td):
    ...         return {key: 2 * value for key, value in self.inner._compute(td).items()}
    >>> policy = LinearModule(3, 2, "features", "logits")
    >>> [name for name, _ in Doubled(policy).named_parameters()] == [name for name, _ in policy.named_parameters()]
    True
    """

    role: ClassVar[Role] = "behaviour"
    kind: ClassVar[str] = "wrapper"
    """The ``type`` in YAML stacks."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Further names by which configs and signals may call it, beside ``kind`` and the class name."""
    gradient_order: ClassVar[int] = 1
    """Whose ``after_backward`` comes first: -1 = who looks on, 0 = who decides which gradients there are, 1 = who
    changes them."""
    freezes: ClassVar[bool] = False
    """Whether the component does not learn while the wrapper is active."""

    inner: MettaModule

    def __init__(self, inner: MettaModule, *, component_name: str | None = None, active: bool = True) -> None:
        if not isinstance(inner, MettaModule):
            raise KeyContractError(
                f"{type(self).__name__} wraps a {type(inner).__name__}; expected a MettaModule. Wrap the components of "
                "a container, not the container, and put other modules into an NNModule component first."
            )
        super().__init__(
            map(str, inner.in_keys),
            map(str, inner.out_keys_source),
            input_shapes=inner.input_shapes,
            output_shapes=inner.output_shapes,
            memory_shapes=inner.memory_shapes,
        )
        self._take(inner)
        self.training = inner.training
        self.optional_keys = inner.optional_keys
        self.active = active
        self.signals = inner.signals if isinstance(inner, WrapperModule) else Signals()
        if component_name is None and isinstance(inner, WrapperModule):
            component_name = inner._component_name
        self._component_name = component_name
        self._now_outermost()

    # --- computing ------------------------------------------------------------------------------------------------

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return self._active_compute(td) if self.active else self.inner._compute(td)

    def _active_compute(self, td: TensorMap) -> dict[str, Tensor]:
        """What the wrapper does while it is active; the default passes through."""
        return self.inner._compute(td)

    def forward(self, tensordict: Data) -> Data:
        """As every component; signals in ``tensordict`` are heard first, reports are added last."""
        from metta.agent.control.exchange import hear_signals, write_reports

        hear_signals(self.signals, tensordict)
        stack = list(self.stack())
        for wrapper in stack:
            wrapper.before_call()
        super().forward(tensordict)
        for wrapper in stack:
            wrapper.after_call(tensordict)
        write_reports(tensordict, stack)
        return tensordict

    def before_call(self) -> None:
        """Called before a forward pass by hand (a dict or TensorDict goes through the component or its network).

        Passes of a trainer go past it: they call ``after_backward`` and ``after_step`` instead.
        """

    def after_call(self, tensordict: Any) -> None:
        """Called after a forward pass by hand; may write into ``tensordict``."""

    # --- what the training asks -----------------------------------------------------------------------------------

    def report(self) -> dict[str, Any]:
        """What is in force, by report key: ``{"_component_status": "frozen"}``. Plain JSON; empty by default.

        The agent collects it under the component's name: ``{"_component_status": {"encoder": "frozen"}}``.
        """
        return {}

    def auxiliary_loss(self) -> Tensor | None:
        """A scalar that the trainer adds to the loss (a regulariser), or None."""
        return None

    def after_backward(self) -> None:
        """Called when gradients are there, before they are clipped and used."""

    def after_step(self) -> None:
        """Called after each optimizer step."""

    def wrapper_state(self) -> dict[str, Tensor]:
        """What the wrapper remembers, for the trainer's state; no parameters of ``inner``."""
        return {}

    def load_wrapper_state(self, state: Mapping[str, Tensor]) -> None:
        """Go back to a saved ``wrapper_state``."""
        if state:
            raise KeyContractError(f"{type(self).__name__} remembers nothing, but its saved state has {sorted(state)}.")

    # --- the stack ------------------------------------------------------------------------------------------------

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """All names by which configs and signals may call the wrapper, its type first."""
        return (cls.kind, str(cls.__name__), *cls.aliases)

    @property
    def wrapped_component(self) -> MettaModule:
        """Same as ``inner``."""
        return self.inner

    @property
    def component_name(self) -> str:
        """How signals and reports call the component; its class name until somebody says otherwise."""
        return str(self._component_name or type(unwrapped(self)).__name__)

    @property
    def frozen(self) -> bool:
        """Whether the component learns nothing at present, because of a wrapper below or above this one."""
        outermost: WrapperModule = self.__dict__["_outermost"]
        return any(wrapper.freezes and wrapper.active for wrapper in outermost.stack())

    def stack(self) -> Iterator[WrapperModule]:
        """This wrapper and those below it, the outermost first."""
        module: MettaModule = self
        while isinstance(module, WrapperModule):
            yield module
            module = module.inner

    def attach(self, component_name: str, signals: Signals) -> None:
        """Name the component and share ``signals``, for all wrappers of the stack."""
        for wrapper in self.stack():
            wrapper._component_name = component_name
            wrapper.signals = signals
        self._now_outermost()

    def replace_inner(self, inner: MettaModule) -> None:
        """Put the wrapper around another component, or the same one without some wrapper below.

        Raises:
            KeyContractError: the component has other keys.
        """
        if list(inner.in_keys) != list(self.in_keys) or list(inner.out_keys_source) != list(self.out_keys_source):
            raise KeyContractError(
                f"{type(self).__name__} goes around {list(self.in_keys)} -> {list(self.out_keys_source)}; the other "
                f"component has {list(inner.in_keys)} -> {list(inner.out_keys_source)}. Wrap that one anew."
            )
        self._take(inner)
        self.__dict__["_outermost"]._now_outermost()

    def copy_around(self, inner: MettaModule) -> WrapperModule:
        """A wrapper like this one around another component."""
        twin = copy.copy(self)
        twin.__dict__ = {**self.__dict__, "_outermost": None}
        twin._take(inner)
        twin._now_outermost()
        return twin

    def _take(self, inner: MettaModule) -> None:
        # One dictionary for both: every walk of torch over the wrapper finds the inner modules under their old names.
        self.__dict__.update(_modules=inner._modules, _parameters=inner._parameters, _buffers=inner._buffers)
        self.__dict__["inner"] = inner

    def _now_outermost(self) -> None:
        for wrapper in self.stack():
            wrapper.__dict__["_outermost"] = self

    # --- nn.Module: the wrapper is no level of the tree -------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        inner = self.__dict__.get("inner")
        if inner is None:
            raise AttributeError(name)
        return getattr(inner, name)

    def named_modules(
        self, memo: set[nn.Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Generator[tuple[str, nn.Module], None, None]:
        """Those of ``inner``: the wrapper itself is not listed."""
        yield from self.inner.named_modules(memo, prefix, remove_duplicate)

    def train(self, mode: bool = True) -> Self:
        self.inner.train(mode)
        self.training = mode
        return self

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """That of ``inner``."""
        return self.inner.state_dict(*args, **kwargs)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self.inner._load_from_state_dict(*args, **kwargs)

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        self.inner._apply(fn, recurse)
        return self

    def apply(self, fn: Any) -> Self:
        """Call ``fn`` on ``inner`` and all modules below it."""
        self.inner.apply(fn)
        return self


ActivatableMettaModule = WrapperModule


def unwrapped(component: nn.Module) -> MettaModule:
    """The bare component below all wrappers."""
    while isinstance(component, WrapperModule):
        component = component.inner
    return cast(MettaModule, component)


def wrappers_of(component: nn.Module) -> list[WrapperModule]:
    """The wrappers of a component, the outermost first; empty for a bare one."""
    return list(component.stack()) if isinstance(component, WrapperModule) else []


def trainable(component: nn.Module) -> list[nn.Parameter]:
    """The parameters of a component that a gradient may change."""
    return [parameter for parameter in component.parameters() if parameter.requires_grad]
