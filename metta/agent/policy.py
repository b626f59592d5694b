"""Policy: what the rest of the system sees of an agent, and build_policy, the one way to make one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol

import torch
from tensordict import TensorDictBase
from torch import Tensor, nn

from metta.agent.components.per_population import POPULATION_KEY
from metta.agent.components.token_bag import TokenBag
from metta.agent.container import ComponentContainer
from metta.agent.control.controller import load_wrapper_states, wrapper_states
from metta.agent.control.training_control import ControlReport, TrainingControl
from metta.agent.distribution import MaskedCategorical, choose_actions, weigh_actions
from metta.agent.executors.registry import EXECUTORS
from metta.agent.memory import Memory, MemorySpec, Rows
from metta.agent.module import MEMORY_PREFIX, NEXT_MEMORY_PREFIX, Data, TensorMap
from metta.agent.policies.registry import build_network
from metta.agent.policy_config import AnyPolicyConfig
from metta.agent.wrappers.base import WrapperModule, wrappers_of
from metta.common.env_spec import EnvSpec
from metta.common.errors import KeyContractError, ShapeContractError

ExperienceSpec = dict[str, tuple[tuple[int, ...], torch.dtype]]
Inputs = Mapping[str, Any] | TensorDictBase
"""Tensors by key; among them may be `rows`, a slice."""
_ALWAYS_PROVIDED = ("act_log_prob", "entropy", "values")
_CLIPPED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, TokenBag)


class ActingPolicy(Protocol):
    """What simulations need: trained and scripted policies alike."""

    spec: EnvSpec

    @property
    def device(self) -> torch.device:
        """Where ``act`` wants its tensors."""
        ...

    def init_memory(self, num_rows: int) -> None:
        """Forget everything and make room for ``num_rows`` agent rows."""
        ...

    def reset_memory(self, rows: Rows | None = None) -> None:
        """Forget what is remembered of ``rows`` (None: all)."""
        ...

    def act(self, td: Data, *, generator: torch.Generator | None = None, greedy: bool = False) -> Data:
        """Add ``action``, ``act_log_prob`` and ``values`` to ``td``."""
        ...


class Policy(nn.Module):
    """A network with an action distribution and a memory per agent row.

    The network reads ``env_obs``, ``first`` and ``memory/<name>``, and writes ``logits``, ``values`` and
    ``next_memory/<name>``. Parameters are named ``network.<component>....``.

    Shapes (B rows, s segments of T steps, A actions): see ``act`` and ``evaluate``.
    """

    def __init__(self, config: AnyPolicyConfig, spec: EnvSpec, network: ComponentContainer) -> None:
        super().__init__()
        self.config = config
        self.spec = spec
        self.network = network.build()
        if missing := sorted({"logits", "values"} - set(network.out_keys)):
            raise KeyContractError(f"a policy's network must produce 'logits' and 'values'; nobody produces {missing}.")
        self._memory_keys = {MEMORY_PREFIX + name: name for name in network.memory_shapes}
        keep = ("logits", "values", *(NEXT_MEMORY_PREFIX + name for name in network.memory_shapes))
        self._keep = keep if config.executor == "memory" else None
        self._provided: tuple[str, ...] = ()
        self.shows_logits = False
        """Whether ``act`` adds ``logits``, before masking."""
        self.precision: Literal["fp32", "bf16"] = "fp32"
        """Of the network's arithmetic; what it returns is float32 either way."""
        self.executor = EXECUTORS[config.executor](self.network, self._keep)
        self._data_keys = [key for key in network.in_keys if key not in self._memory_keys]
        self._memory = Memory(self.memory_spec)
        self._has_populations = POPULATION_KEY in network.in_keys
        network.controller.populations.attach(spec.num_agents)

    # --- acting ---------------------------------------------------------------------------------------------------

    def act(self, td: Data, *, generator: torch.Generator | None = None, greedy: bool = False) -> Data:
        """Choose an action for each row, advance the rows' memory (zeroed first where ``first``), return ``td``.

        Shapes: reads ``env_obs [B, *obs_shape]``, ``first [B] bool``, optional ``action_mask [B, A] bool`` and optional
        ``rows`` (slice or ``[B] int64``: which memory rows these are; absent: all, in order). Adds ``action [B]
        int64``, ``act_log_prob [B] float32``, ``values [B] float32``.

        Raises:
            KeyContractError: an input is missing.
            ShapeContractError: an input or the number of rows does not fit.
        """
        with torch.no_grad():
            rows = td.get("rows", None)
            if self._has_populations:
                td[POPULATION_KEY] = self._population(td, rows)
            outputs = self._run(self._inputs(td, self._recall(td, rows)))
            if self._memory_keys:
                self._memory.write(rows, {name: outputs[NEXT_MEMORY_PREFIX + name] for name in self._memory.tensors})
            chosen = choose_actions(outputs["logits"], self._mask(td), generator, greedy=greedy)
            td["action"], td["act_log_prob"] = chosen
            td["values"] = outputs["values"]
            if self.shows_logits:
                td["logits"] = outputs["logits"]
        return td

    def values_only(self, td: Inputs) -> Tensor:
        """State values ``[B] float32`` for bootstrapping; reads what ``act`` reads, leaves the memory alone."""
        with torch.no_grad():
            rows = td.get("rows", None)
            known = self._recall(td, rows)
            if self._has_populations:
                known[POPULATION_KEY] = self._population(td, rows)
            return self._run(self._inputs(td, known))["values"]

    # --- learning -------------------------------------------------------------------------------------------------

    def provide(self, keys: Iterable[str], reader: str) -> None:
        """From now on ``evaluate`` also returns ``keys``: ``log_probs [s, T, A]`` of the whole masked distribution, or
        what the network writes. ``reader`` names who wants them, for messages.

        Raises:
            KeyContractError: the network does not write one of them.
        """
        new = [key for key in keys if key not in (*_ALWAYS_PROVIDED, *self._provided)]
        written = [str(key) for key in self.network.out_keys]
        if missing := [key for key in new if key != "log_probs" and key not in written]:
            raise KeyContractError(
                f"{reader} reads {missing}, which this policy does not give. It gives {[*_ALWAYS_PROVIDED]}, "
                f"'log_probs' and what its network writes: {written}. Choose another policy_architecture, or switch "
                "the loss off."
            )
        self._provided += tuple(new)
        if self._keep is not None:
            kept = tuple(dict.fromkeys((*self._keep, *(key for key in self._provided if key != "log_probs"))))
            self.executor = EXECUTORS[self.config.executor](self.network, kept)

    def evaluate(self, td: Inputs) -> dict[str, Tensor]:
        """What the present weights say about recorded steps, with gradients. ``td`` is only read.

        Shapes: reads ``env_obs [s, T, *obs_shape]``, ``first [s, T] bool``, ``action [s, T] int64``, optional
        ``action_mask [s, T, A] bool``, and for recurrent policies ``memory/<name> [s, *shape]`` as it was before each
        segment's first step. Returns ``act_log_prob``, ``entropy``, ``values``, all ``[s, T] float32``, and what
        ``provide`` was asked for.

        Raises:
            KeyContractError: an input is missing.
            ShapeContractError: an input does not fit.
        """
        outputs = self._run(self._inputs(td, {key: _required(td, key) for key in self._memory_keys}))
        logits, mask, action = outputs["logits"], self._mask(td), _required(td, "action")
        if "log_probs" in self._provided:
            dist = MaskedCategorical(logits, mask)
            outputs = {**outputs, "log_probs": dist.log_probs}
            chosen, entropy = dist.log_prob(action), dist.entropy()
        else:
            chosen, entropy = weigh_actions(logits, mask, action)
        found = {"act_log_prob": chosen, "entropy": entropy, "values": outputs["values"]}
        return found | {key: outputs[key] for key in self._provided}

    def forward(self, td: Inputs) -> dict[str, Tensor]:
        """Same as ``evaluate``: data-parallel wrappers hook into ``forward``."""
        return self.evaluate(td)

    def clip_weights(self) -> None:
        """Clamp the weights of linear, convolution and bag layers to +-``config.clip_range`` (0: leave them alone).

        Frozen components are left alone.
        """
        limit = self.config.clip_range
        if limit <= 0:
            return
        frozen = self.frozen_parameters()
        with torch.no_grad():
            for module in self.network.modules():
                if isinstance(module, _CLIPPED) and module.weight not in frozen:
                    module.weight.clamp_(-limit, limit)

    def component_parameters(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by component, for one optimizer group each; components without any are left out.

        What components share belongs to the first of them.
        """
        groups: dict[str, list[nn.Parameter]] = {}
        taken: set[nn.Parameter] = set()
        for name, component in self.network.items():
            own = [parameter for parameter in component.parameters() if parameter not in taken]
            taken.update(own)
            if own:
                groups[name] = own
        return groups

    @property
    def experience_spec(self) -> ExperienceSpec:
        """What ``act`` writes for each step and ``evaluate`` or a loss reads again, beside the environment's data."""
        spec: ExperienceSpec = {
            "action": ((), torch.int64),
            "act_log_prob": ((), torch.float32),
            "values": ((), torch.float32),
        }
        if self._has_populations:
            spec[POPULATION_KEY] = ((), torch.int64)
        return spec

    # --- training control -----------------------------------------------------------------------------------------

    def apply_control(self, control: TrainingControl) -> ControlReport:
        """Carry ``control`` out on the network's components; what is in force afterwards.

        Raises:
            ConfigError: it names what this network does not have; nothing is changed.
        """
        return self.network.controller.apply(control)

    @property
    def control_report(self) -> ControlReport:
        """What is in force."""
        return self.network.controller.report()

    def control_state(self) -> dict[str, Any]:
        """What control did to the network, as plain JSON; the tensors are in ``wrapper_state``."""
        return self.network.controller.state_dict()

    def wrapper_state(self) -> dict[str, Tensor]:
        """What the wrappers remember (collected gradients, running statistics)."""
        return wrapper_states(self.network)

    def behavior_state(self) -> dict[str, Tensor]:
        """What outputs depend on beside weights, from wrappers and of populations: it belongs to a saved policy."""
        return {**wrapper_states(self.network, "behaviour"), **self.network.controller.populations.behavior_state()}

    def load_behavior_state(self, state: Mapping[str, Tensor]) -> None:
        """Go back to what ``behavior_state`` told; what this policy's wrappers do not know is left out."""
        load_wrapper_states(self.network, state)
        self.network.controller.populations.load_behavior_state(state)

    def load_control_state(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Go back to what ``control_state`` and ``wrapper_state`` told."""
        self.network.controller.load_state_dict(state)
        load_wrapper_states(self.network, tensors)

    def auxiliary_loss(self) -> Tensor | None:
        """What regularising wrappers add to the loss; None without any. Frozen components add nothing."""
        total: Tensor | None = None
        for component, wrapper in self._wrappers():
            if wrapper.active and not self.network.controller.is_frozen(component):
                loss = wrapper.auxiliary_loss()
                if loss is not None:
                    total = loss if total is None else total + loss
        return total

    def after_backward(self) -> None:
        """To be called when gradients are there: wrappers collect, clip and read them.

        Frozen components end up without gradient, whoever gave them one (weights shared with another component): an
        optimizer passes a parameter over whose ``grad`` is None.
        """
        for parameter in self.frozen_parameters():
            parameter.grad = None
        for _, wrapper in self._wrappers():
            wrapper.after_backward()

    def frozen_parameters(self) -> set[nn.Parameter]:
        """Parameters of components that learn nothing at present."""
        frozen = (component for name, component in self.network.items() if self.network.controller.is_frozen(name))
        return {parameter for component in frozen for parameter in component.parameters()}

    def after_step(self) -> None:
        """To be called after each optimizer step."""
        for _, wrapper in self._wrappers():
            wrapper.after_step()
        self.clip_weights()

    def after_epoch(self) -> None:
        """To be called after an epoch's last step: populations whose turn it is are set to their mean."""
        self.network.controller.populations.after_epoch()

    def _wrappers(self) -> list[tuple[str, WrapperModule]]:
        """All wrappers with the name of their component, in the order in which they touch gradients."""
        found = [
            (name, wrapper)
            for name, component in self.network.items()
            for wrapper in (
                component.wrappers() if isinstance(component, ComponentContainer) else wrappers_of(component)[::-1]
            )
        ]
        return sorted(found, key=lambda entry: entry[1].gradient_order)

    def masked(self, logits: Tensor, mask: Tensor | None) -> MaskedCategorical:
        """The distribution that ``logits [..., A]`` stand for, with this policy's use of masks."""
        return MaskedCategorical(logits, mask if self.config.use_action_mask else None)

    # --- memory ---------------------------------------------------------------------------------------------------

    @property
    def memory_spec(self) -> MemorySpec:
        """Shape and dtype per agent row of what the policy remembers; empty for policies without memory."""
        return {name: (tuple(shape), torch.float32) for name, shape in self.network.memory_shapes.items()}

    @property
    def memory(self) -> dict[str, Tensor]:
        """The memory itself, ``[rows, *shape]`` by name: what ``act`` will read next."""
        return self._memory.tensors

    def init_memory(self, num_rows: int) -> None:
        """Forget everything and make room for ``num_rows`` agent rows."""
        self._memory = Memory(self.memory_spec, num_rows, self.device)

    def reset_memory(self, rows: Rows | None = None) -> None:
        """Forget what is remembered of ``rows`` (None: all)."""
        self._memory.reset(rows)

    def memory_state(self) -> dict[str, Tensor]:
        """A copy of the memory, for snapshots."""
        return self._memory.state()

    def load_memory_state(self, state: Mapping[str, Tensor]) -> None:
        """Go back to a copy that ``memory_state`` made."""
        self._memory.load(state)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.parameters()).device

    # --- inside ---------------------------------------------------------------------------------------------------

    def _run(self, td: TensorMap) -> dict[str, Tensor]:
        if self.precision == "fp32":
            return self.executor.run(td)
        # Casts of weights are kept within a pass for its backward; a recorded graph must make its own.
        with torch.autocast(self.device.type, torch.bfloat16, cache_enabled=torch.is_grad_enabled()):
            outputs = self.executor.run(td)
        return {key: value.float() if value.dtype is torch.bfloat16 else value for key, value in outputs.items()}

    def _inputs(self, td: Inputs, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        for key in self._data_keys:
            if key not in memory:
                memory[key] = _required(td, key)
        return memory

    def _population(self, td: Inputs, rows: Rows | None) -> Tensor:
        batch = _required(td, "env_obs").shape[0]
        return self.network.controller.populations.of_rows(rows, batch, self.device)

    def _recall(self, td: Inputs, rows: Rows | None) -> dict[str, Tensor]:
        if not self._memory_keys:
            return {}
        recalled = self._memory.read(rows)
        batch = _required(td, "env_obs").shape[0]
        for name, tensor in recalled.items():
            if tensor.shape[0] != batch:
                raise ShapeContractError(
                    f"act got {batch} observations for {tensor.shape[0]} rows of memory {name!r} (rows={rows}, memory "
                    f"has {self._memory.num_rows}). Call init_memory(num_rows) and pass the `rows` of the observations."
                )
        return {MEMORY_PREFIX + name: tensor for name, tensor in recalled.items()}

    def _mask(self, td: Inputs) -> Tensor | None:
        return td.get("action_mask", None) if self.config.use_action_mask else None


def build_policy(
    config: AnyPolicyConfig,
    spec: EnvSpec,
    *,
    device: torch.device | str = "cpu",
    seed: int,
) -> Policy:
    """The policy that ``config`` (``policy_architecture=``) describes, for environments with ``spec``.

    Weights depend on ``config``, ``spec`` and ``seed`` alone: they are drawn on the CPU from a generator of their own,
    and the global one is left as it was.

    Raises:
        ConfigError: the preset cannot read these observations.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = build_network(config, spec)
    return Policy(config, spec, network).to(device)


def _required(td: Inputs, key: str) -> Tensor:
    value = td.get(key, None)
    if value is None:
        there = sorted(str(other) for other in td.keys())  # noqa: SIM118 - a TensorDict iterates over its batch
        raise KeyContractError(f"the policy reads {key!r}, which is missing; there are {there}.")
    return value
