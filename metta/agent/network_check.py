"""NetworkCheck: everything that can be wrong with a network's config, found without creating a weight."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from metta.agent.construct import declared_keys, key_arguments, unknown_arguments, wrapper_faults
from metta.agent.container import ComponentContainer
from metta.agent.module import MEMORY_PREFIX, MettaModule, Shape
from metta.agent.network_config import ComponentConfig, NetworkConfig
from metta.agent.network_draft import Draft
from metta.agent.parameter_sharing import sharing_fault
from metta.agent.policies.inputs import network_inputs
from metta.agent.shape_inference import ShapeFlow, show_shape
from metta.agent.symbols import SymbolTable
from metta.agent.wiring import Node, make_plan
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError, KeyContractError, ShapeContractError
from metta.common.suggest import did_you_mean


class NetworkCheck:
    """Works a config out, component by component, and collects ``faults``.

    A component that has a fault writes keys of unknown shape; what reads them is not complained about again.
    """

    def __init__(self, classes: Mapping[str, type[MettaModule]], config: NetworkConfig, spec: EnvSpec | None) -> None:
        self.classes, self.config, self.spec = classes, config, spec
        self.faults: list[str] = []
        self.drafts: dict[str, Draft] = {}
        self.symbols = SymbolTable(config.symbols)
        self.flow = ShapeFlow(self.symbols)
        self.inputs: dict[str, Shape | None] = {}
        self._open = not config.input_shapes and spec is None
        self._producers: dict[str, str] = {}
        self._lost: set[str] = set()

    def run(self) -> None:
        """Check all there is."""
        for component in self.config.components:
            self._check_component(component)
        self._note_inputs()
        self._follow_the_data()
        if not self.faults:
            self._check_order()
            self._check_sharing()

    def container_inputs(self) -> dict[str, Shape | None]:
        """Inputs that components read, with their shapes as far as they are known."""
        read = {key for draft in self.drafts.values() for key in draft.in_keys}
        return {key: shape for key, shape in self.inputs.items() if key in read}

    def owner_of(self, name: str) -> str:
        """Whose parameters the component has: where a chain of ``share_with`` ends."""
        seen = [name]
        while (owner := self.drafts[seen[-1]].config.share_with) is not None and owner not in seen:
            seen.append(owner)
        return seen[-1]

    # --- each component by itself ---------------------------------------------------------------------------------

    def _check_component(self, component: ComponentConfig) -> None:
        name, names = component.name, [other.name for other in self.config.components]
        if name in self.drafts or "." in name or hasattr(ComponentContainer, name):
            self._say(name, "the name is taken, has a dot, or is an attribute of containers. Choose another.")
            return
        others = [other for other in names if other != name]
        for field, mentioned in (("dependencies", component.dependencies), ("share_with", (component.share_with,))):
            for other in mentioned:
                if other is not None and other not in others:
                    self._say(name, f"{field} names {other!r}; there are {others}.{did_you_mean(other, others)}")
        for index, wrapper in enumerate(component.wrappers):
            for fault in wrapper_faults(wrapper):
                self._say(name, f"wrappers.{index}: {fault}")
        self.drafts[name] = self._draft(component)

    def _draft(self, component: ComponentConfig) -> Draft:
        name = component.name
        cls = self.classes.get(component.class_name)
        draft = Draft(component, cls, component.in_keys, component.out_keys)
        if cls is None:
            hint = did_you_mean(component.class_name, self.classes)
            self._say(name, f"no component class {component.class_name!r}.{hint} There are {sorted(self.classes)}.")
            return draft
        for fault in unknown_arguments(cls, component.config, self.spec):
            self._say(name, fault)
        try:
            key_arguments(cls, component)
            draft.in_keys, draft.out_keys = declared_keys(cls, component)
        except ConfigError as error:
            self._say(name, str(error))
        return draft

    # --- along the data -------------------------------------------------------------------------------------------

    def _note_inputs(self) -> None:
        if self.spec is not None:
            self.inputs.update(network_inputs(self.spec))
            self.flow.dtypes.update(
                env_obs=getattr(torch, self.spec.obs_dtype), first=torch.bool, population=torch.int64
            )
        for key, shape in self.config.input_shapes.items():
            actual = self.inputs.setdefault(key, shape)
            try:
                if actual is None or len(actual) != len(shape):
                    raise ShapeContractError("another number of dimensions")
                for size, real in zip(shape, actual, strict=True):
                    self.symbols.unify(size, real)
            except ShapeContractError as error:
                text = f"the environment's is {show_shape(actual or ())}: {error}"
                self.faults.append(f"input_shapes.{key} is {show_shape(shape)}, but {text}.")
        self.flow.shapes.update(self.inputs)

    def _follow_the_data(self) -> None:
        waiting = dict(self.drafts)
        while waiting:
            ready = next((draft for draft in waiting.values() if self._is_ready(draft, waiting)), None)
            if ready is not None:
                if self._work_out(ready):
                    del waiting[ready.name]
            elif not self._settle_missing(waiting):
                self._say_cycle(waiting)
                return

    def _is_ready(self, draft: Draft, waiting: Mapping[str, Draft]) -> bool:
        has_data = all(self._is_known(key) for key in draft.in_keys)
        return has_data and not any(name in waiting for name in draft.config.dependencies)

    def _is_known(self, key: str) -> bool:
        return key in self.inputs or key in self._producers or key in self._lost or key.startswith(MEMORY_PREFIX)

    def _work_out(self, draft: Draft) -> bool:
        """Whether the component is done with; if not, it turned out to read more than its config says."""
        if draft.cls is None or self._lost & set(draft.in_keys) or self._has_own_faults(draft):
            self._lose(draft)
            return True
        if draft.blank is None and (fault := draft.work_out(self.flow.known(draft.in_keys), self.spec)):
            self._say(draft.name, fault)
            self._lose(draft)
            return True
        assert draft.blank is not None
        if not all(self._is_known(key) for key in draft.in_keys):
            return False
        for name, shape in draft.blank.memory_shapes.items():
            self.inputs[MEMORY_PREFIX + name] = self.flow.shapes[MEMORY_PREFIX + name] = shape
        for key in draft.in_keys:
            if key.startswith(MEMORY_PREFIX):
                self.inputs.setdefault(key, None)
        faults = self.flow.pass_through(draft.name, draft.blank)
        self.faults += faults
        self._lose(draft) if faults else self._note_outputs(draft)
        return True

    def _has_own_faults(self, draft: Draft) -> bool:
        return any(fault.startswith(_head(draft.name)) and "wrappers." not in fault for fault in self.faults)

    def _note_outputs(self, draft: Draft) -> None:
        for key in draft.out_keys:
            if key in self._producers:
                first = self._producers[key]
                self._say(draft.name, f"it produces {key!r}, as {first!r} does. Give one of them another out_key.")
            elif key in self.inputs:
                self._say(draft.name, f"it produces {key!r}, which is an input. Give it another out_key.")
            else:
                self._producers[key] = draft.name

    def _lose(self, draft: Draft) -> None:
        self._note_outputs(draft)
        self._lost.update(draft.out_keys)

    def _settle_missing(self, waiting: Mapping[str, Draft]) -> bool:
        """Take keys that nobody will produce for inputs, or complain; whether there were any."""
        to_come = {key for draft in waiting.values() for key in draft.out_keys}
        found = False
        for draft in waiting.values():
            for key in draft.in_keys:
                if key in to_come or self._is_known(key):
                    continue
                found = True
                if self._open:
                    self.inputs[key] = None
                    continue
                known = sorted({*self.inputs, *self._producers, *to_come})
                hint = did_you_mean(key, known)
                self._say(
                    draft.name,
                    f"it reads {key!r}, which nobody produces and which is no input.{hint} Known keys are {known}.",
                )
                self._lost.add(key)
        return found

    def _say_cycle(self, waiting: Mapping[str, Draft]) -> None:
        nodes: dict[str, Node] = {}
        written: set[str] = set()
        for name, draft in waiting.items():  # what else is wrong with them was said before
            out_keys = tuple(key for key in draft.out_keys if key not in written)
            written.update(out_keys)
            nodes[name] = Node(draft.in_keys, out_keys, {}, {}, tuple(filter(waiting.get, draft.config.dependencies)))
        try:
            make_plan(nodes, None)
        except KeyContractError as error:
            self.faults.append(str(error))

    # --- the whole ------------------------------------------------------------------------------------------------

    def _check_order(self) -> None:
        try:
            make_plan({name: draft.node() for name, draft in self.drafts.items()}, None, self.config.order)
        except KeyContractError as error:
            self.faults.append(str(error))

    def _check_sharing(self) -> None:
        for name, draft in self.drafts.items():
            owner = self.owner_of(name)
            if draft.config.share_with is None:
                continue
            if self.drafts[owner].config.share_with is not None:
                self._say(
                    name, f"share_with leads in a circle over {owner!r}. One of them must have its own parameters."
                )
                continue
            mine, theirs = draft.blank, self.drafts[owner].blank
            assert mine is not None
            assert theirs is not None
            if fault := sharing_fault(mine, theirs):
                self._say(name, f"share_with={owner}: {fault}")

    def _say(self, name: str, fault: str) -> None:
        self.faults.append(f"{_head(name)} {fault}")


def _head(name: str) -> str:
    return f"component {name!r}:"
