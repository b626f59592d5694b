"""ComponentContainer: components by name, run in an order that follows from their keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from torch import Tensor, nn

from metta.agent.joint_heads import join_heads, run_joint
from metta.agent.module import Data, MettaModule, Shape, TensorMap, check_tensors
from metta.agent.symbols import SymbolTable
from metta.agent.token_network import Step, TokenChain, join_tokens, run_chain
from metta.agent.wiring import Node, Order, Plan, make_plan
from metta.agent.wrappers.base import WrapperModule, unwrapped, wrappers_of
from metta.agent.wrappers.signals import Signals
from metta.common.errors import KeyContractError, ShapeContractError
from metta.common.suggest import did_you_mean

if TYPE_CHECKING:
    from metta.agent.control.controller import Controller


class ComponentContainer(nn.ModuleDict):
    """A network: named components, wired by keys, swappable.

    The order is computed once, when first needed (or by ``build``), and again after a change. ``inputs`` maps the keys
    that the caller supplies to their shapes (or lists them); with it, a key without producer is an error of ``build``.
    Without it, such keys count as inputs and are looked for at the first call. The first call after a change checks
    keys and shapes of every component; later calls run straight through (``validate`` checks again).
    ``order="insertion"`` runs components as they were added; ``build`` then checks that this order can work.
    ``symbols`` holds the constraints of symbolic sizes in ``inputs``.

    Training signals (``_frozen_components`` ...) in the TensorDict of a call are carried out by ``controller`` before
    the components run; what is in force is written back (``_component_status`` ...).

    >>> import torch
    >>> from metta.agent.components.linear import LinearModule
    >>> network = ComponentContainer()
    >>> network.add_component("policy", LinearModule(8, 4, "features", "logits"))
    >>> network.add_component("encoder", LinearModule(3, 8, "observation", "features", activation="relu"))
    >>> network.execution_order
    ('encoder', 'policy')
    >>> network({"observation": torch.randn(2, 3)})["logits"].shape
    torch.Size([2, 4])

    Raises:
        KeyContractError: see ``wiring.make_plan``.
        ShapeContractError: see ``wiring.make_plan``.
    """

    def __init__(
        self,
        inputs: Mapping[str, Shape | None] | Iterable[str] | None = None,
        *,
        order: Order = "dependency",
        symbols: SymbolTable | None = None,
    ) -> None:
        super().__init__()
        self.order: Order = order
        self.symbols = symbols or SymbolTable()
        self.signals = Signals()
        self._controller: Controller | None = None
        self._inputs: dict[str, Shape | None] | None = None
        if inputs is not None:
            self._inputs = dict(inputs) if isinstance(inputs, Mapping) else dict.fromkeys(inputs)
        self._dependencies: dict[str, tuple[str, ...]] = {}
        self._plan: Plan | None = None
        self._checked = False
        self._steps: tuple[Step, ...] = ()
        self.version = 0
        """Counts changes of components and wrappers; executors plan again when it moves."""

    # --- wiring ---------------------------------------------------------------------------------------------------

    def register_component(
        self, name: str, component: MettaModule | ComponentContainer, dependencies: Iterable[str] = ()
    ) -> None:
        """Add ``component``. It runs after the producers of its keys and after the named ``dependencies``."""
        if name in self._modules:
            raise KeyContractError(f"a component named {name!r} is there already. Use swap_component to replace it.")
        self._check_name(name)
        self._check_kind(name, component)
        for other, module in self._components().items():
            if both := sorted(set(module.out_keys) & set(component.out_keys)):
                raise KeyContractError(
                    f"components {other!r} and {name!r} both produce {both}. Give one of them another out_key."
                )
        self._place(name, component)
        self._dependencies[name] = tuple(dependencies)

    def add_component(
        self, name: str, component: MettaModule | ComponentContainer, dependencies: Iterable[str] = ()
    ) -> None:
        """Same as ``register_component``."""
        self.register_component(name, component, dependencies)

    def get_component(self, name: str) -> MettaModule | ComponentContainer:
        """The component of that name."""
        self._check_known(name)
        return self._components()[name]

    def swap_component(
        self, name: str, component: MettaModule | ComponentContainer
    ) -> MettaModule | ComponentContainer:
        """Put ``component`` in the place of the one called ``name`` and return the old one.

        A container that was built checks the new wiring first and stays as it was when that fails.
        """
        old = self.get_component(name)
        self._check_kind(name, component)
        if self._plan is not None:
            nodes = self._nodes()
            nodes[name] = _node_of(component, self._dependencies[name])
            # What the old component produced must not turn into an input that nobody supplies.
            inputs = self._inputs
            if inputs is None:
                needed = {key for node in nodes.values() for key in node.in_keys}
                produced = {key for node in nodes.values() for key in node.out_keys}
                inputs = dict.fromkeys(needed - produced - set(_node_of(old, ()).out_keys))
            make_plan(nodes, inputs, self.order)
        self._place(name, component)
        return old

    def replace_component(
        self, name: str, component: MettaModule | ComponentContainer
    ) -> MettaModule | ComponentContainer:
        """Same as ``swap_component``."""
        return self.swap_component(name, component)

    def dependencies_of(self, name: str) -> tuple[str, ...]:
        """The explicit dependencies of a component, beside those of its keys."""
        self._check_known(name)
        return self._dependencies[name]

    def build(self) -> Self:
        """Compute the order now, so that wiring faults show here; returns the container."""
        self._plan = make_plan(self._nodes(), self._inputs, self.order)
        return self

    @property
    def execution_order(self) -> tuple[str, ...]:
        """Component names in the order in which they run."""
        return self._built().order

    @property
    def in_keys(self) -> list[str]:
        """Keys that the caller must supply."""
        return list(self._built().inputs)

    @property
    def out_keys(self) -> list[str]:
        """All keys that components produce."""
        return list(self._built().outputs)

    @property
    def input_shapes(self) -> dict[str, Shape]:
        """Shapes of the inputs, as far as the container or a component declares them."""
        declared = {k: v for module in self._components().values() for k, v in module.input_shapes.items()}
        declared.update({key: shape for key, shape in (self._inputs or {}).items() if shape is not None})
        return {key: declared[key] for key in self.in_keys if key in declared}

    @property
    def output_shapes(self) -> dict[str, Shape]:
        """Shapes of the outputs, as far as components declare them."""
        return {key: shape for module in self._components().values() for key, shape in module.output_shapes.items()}

    @property
    def memory_shapes(self) -> dict[str, tuple[int, ...]]:
        """What all components together want to be kept per agent row."""
        return {name: shape for module in self._components().values() for name, shape in module.memory_shapes.items()}

    # --- running --------------------------------------------------------------------------------------------------

    def forward(self, tensordict: Data) -> Data:
        """Run all components; write what they produce into ``tensordict`` and return it."""
        signalled = any(str(key).startswith("_") for key in tensordict.keys())  # noqa: SIM118 - a TensorDict has no __contains__
        if signalled:
            self.controller.hear(tensordict)
        wrappers = self.wrappers()
        for wrapper in wrappers:
            wrapper.before_call()
        for key, value in self._compute(tensordict).items():
            tensordict[key] = value
        for wrapper in wrappers:
            wrapper.after_call(tensordict)
        if signalled:
            self.controller.answer(tensordict)
        return tensordict

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        """All outputs of all components. ``td`` is only read."""
        plan = self._plan
        if plan is None or not self._checked:
            return self.validate(td)
        # Components see a plain dict whatever came in: TensorDict's own checks would cost more than small layers do.
        data = {key: td[key] for key in plan.inputs}
        if plan.optional:
            data |= _present(td, plan.optional)
        outputs: dict[str, Tensor] = {}
        modules = self._modules
        for step in self._steps:
            if isinstance(step, str):
                produced = modules[step]._compute(data)  # pyright: ignore[reportOptionalMemberAccess, reportCallIssue]
            elif isinstance(step, TokenChain):
                produced = run_chain(step, modules, data)
            else:
                produced = run_joint(modules[step[0]], modules[step[1]], data)
            data.update(produced)
            outputs.update(produced)
        return outputs

    def validate(self, td: TensorMap) -> dict[str, Tensor]:
        """Run once with every input and output checked against what the components declare; returns the outputs."""
        self._checked = False
        plan = self._built()
        reader = f"container of {list(self.keys())} reads"
        shapes = {key: shape for key, shape in (self._inputs or {}).items() if shape is not None}
        check_tensors(td, plan.inputs, shapes, reader)
        if faults := self.symbols.check_shapes(
            {key: (shapes[key], tuple(td[key].shape)) for key in plan.inputs if key in shapes}
        ):
            raise ShapeContractError(f"{reader} inputs of the wrong size: {'; '.join(faults)}.")
        data = {key: td[key] for key in plan.inputs} | _present(td, plan.optional)
        outputs: dict[str, Tensor] = {}
        components = self._components()
        for name in plan.order:
            component = components[name]
            component.check_inputs(data, f"component {name!r}")
            produced = component._compute(data)
            component.check_outputs(produced, f"component {name!r}")
            data.update(produced)
            outputs.update(produced)
        self._checked, self._steps = True, join_tokens(join_heads(plan.order, components), components)
        return outputs

    def check_inputs(self, td: TensorMap, name: str | None = None) -> None:
        """Raise unless ``td`` holds what the container reads (a container may be a component of another)."""
        check_tensors(td, self.in_keys, self.input_shapes, f"{name or 'container'} reads")

    def check_outputs(self, outputs: Mapping[str, Tensor], name: str | None = None) -> None:
        """Raise unless ``outputs`` are what the components declare to write."""
        check_tensors(outputs, self.out_keys, self.output_shapes, f"{name or 'container'} declares to write")

    # --- wrappers and control -------------------------------------------------------------------------------------

    @property
    def controller(self) -> Controller:
        """Who carries out training control on these components."""
        if self._controller is None:
            from metta.agent.control.controller import Controller

            self._controller = Controller(self)
        return self._controller

    def wrap_component(
        self, name: str, kind: str | type[WrapperModule], config: Mapping[str, Any] | None = None
    ) -> WrapperModule:
        """Put a wrapper around a component; ``kind`` is its type in YAML or its class."""
        return self.controller.wrap_component(name, kind, config)

    def unwrap_component(self, name: str) -> bool:
        """Take all wrappers off a component; False when it had none."""
        return self.controller.unwrap_component(name)

    def wrappers(self) -> list[WrapperModule]:
        """All wrappers, by component in order of registration, the innermost first."""
        found: list[WrapperModule] = []
        for component in self._components().values():
            inside = component.wrappers() if isinstance(component, ComponentContainer) else wrappers_of(component)[::-1]
            found += inside
        return found

    def get_clean_network(self, keep: Iterable[str] = ()) -> ComponentContainer:
        """A network of the bare components, sharing their weights; this one stays as it is.

        ``keep=("behaviour",)`` keeps wrappers with these roles around copies of nothing: they wrap the same components.
        """
        clean = ComponentContainer(self._inputs, order=self.order, symbols=self.symbols)
        for name, component in self.items():
            bare: MettaModule | ComponentContainer
            if isinstance(component, ComponentContainer):
                bare = component.get_clean_network(keep)
            else:
                bare = unwrapped(component)
                for wrapper in reversed(wrappers_of(component)):
                    if wrapper.role in keep and wrapper.active:
                        bare = wrapper.copy_around(bare)
            clean.register_component(name, bare, self._dependencies[name])
        return clean.build()

    # --- nn.ModuleDict --------------------------------------------------------------------------------------------

    def __setitem__(self, key: str, module: nn.Module) -> None:
        if key in self._modules:
            self.swap_component(key, module)  # pyright: ignore[reportArgumentType] - checked inside
        else:
            self.register_component(key, module)  # pyright: ignore[reportArgumentType]

    def __delitem__(self, key: str) -> None:
        self._check_known(key)
        super().__delitem__(key)
        del self._dependencies[key]
        self._forget_plan()

    def clear(self) -> None:
        """Drop all components."""
        super().clear()
        self._dependencies.clear()
        self._forget_plan()

    # --- inside ---------------------------------------------------------------------------------------------------

    def _place(self, name: str, component: MettaModule | ComponentContainer) -> None:
        super().__setitem__(name, component)
        if isinstance(component, WrapperModule):
            component.attach(name, self.signals)
        self._forget_plan()

    def _built(self) -> Plan:
        if self._plan is None:
            self.build()
        assert self._plan is not None
        return self._plan

    def _forget_plan(self) -> None:
        self._plan, self._checked = None, False
        self.version += 1

    def _nodes(self) -> dict[str, Node]:
        return {name: _node_of(module, self._dependencies[name]) for name, module in self._components().items()}

    def _components(self) -> dict[str, MettaModule | ComponentContainer]:
        return dict(self.items())  # pyright: ignore[reportReturnType] - register_component lets nothing else in

    def _check_known(self, name: str) -> None:
        if name not in self._modules:
            names = list(self.keys())
            raise KeyContractError(f"there is no component {name!r}; there are {names}.{did_you_mean(name, names)}")

    def _check_name(self, name: str) -> None:
        if not name or "." in name or hasattr(self, name):
            raise KeyContractError(
                f"{name!r} cannot name a component: it is empty, has a dot or is an attribute of the container."
            )

    def _check_kind(self, name: str, component: object) -> None:
        if not isinstance(component, MettaModule | ComponentContainer):
            raise KeyContractError(
                f"component {name!r} is a {type(component).__name__}; expected a MettaModule or ComponentContainer. "
                f"Give it in_keys, out_keys and _compute."
            )


def _node_of(component: MettaModule | ComponentContainer, dependencies: tuple[str, ...]) -> Node:
    out_keys = component.out_keys_source if isinstance(component, MettaModule) else component.out_keys
    return Node(
        tuple(map(str, component.in_keys)),
        tuple(map(str, out_keys)),
        component.input_shapes,
        component.output_shapes,
        dependencies,
        component.optional_keys if isinstance(component, MettaModule) else (),
    )


def _present(td: TensorMap, keys: Iterable[str]) -> dict[str, Tensor]:
    found = {key: td.get(key, None) for key in keys}
    return {key: value for key, value in found.items() if value is not None}


ModularNetwork = ComponentContainer
