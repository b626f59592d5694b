"""TrainingPhaseWrapper: a component that behaves as the phase of the training wants it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from metta.agent.module import MEMORY_PREFIX, NEXT_MEMORY_PREFIX, MettaModule, TensorMap
from metta.agent.wrappers.base import Role, WrapperModule
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

BEHAVIORS: dict[str, tuple[float, float]] = {
    "input_noise": (0.0, float("inf")),
    "output_dropout": (0.0, 1.0),
    "output_smoothing": (0.0, 1.0),
    "exploration_noise": (0.0, float("inf")),
    "epsilon": (0.0, 1.0),
}
"""What a phase may ask for, with the range of its number."""
_MAX_SMOOTHED = 8


class TrainingPhaseWrapper(WrapperModule):
    """Changes inputs and outputs by what ``phase_behaviors`` says of the current phase.

    The phase is the trainer's (``training_phase`` of a training control, ``_training_phase`` in a TensorDict); one that
    ``phase_behaviors`` does not name leaves the behaviour as it was. Numbers are touched where they are floating point
    and no memory. In train mode only:

    - ``input_noise``: standard deviation of Gaussian noise on inputs;
    - ``output_dropout``: share of outputs set to 0, the others scaled up;
    - ``exploration_noise``: standard deviation of noise on outputs while acting (gradients off);
    - ``epsilon``: share of uniform choice mixed into the distribution of outputs named ``...logits`` while acting.

    In both modes ``output_smoothing``: ``s * last + (1 - s) * output``, where last is the result of the last call with
    outputs of the same shape. It is exact for a single stream of calls on the same rows in the same order; it knows no
    agent rows, so calls of equal shape mix (slots of a rollout, minibatches, episodes that end in between).

    Noise is drawn from a generator of the wrapper's own, on the CPU, seeded by ``seed`` (else by torch's seed and the
    component's name). Its state and the smoothed outputs are part of ``wrapper_state``.

    >>> from metta.agent.components.linear import LinearModule
    >>> policy = LinearModule(3, 2, "features", "logits")
    >>> phased = TrainingPhaseWrapper(policy, {"warmup": {"input_noise": 0.1}, "evaluation": {}})
    >>> td = phased({"features": torch.zeros(4, 3), "_training_phase": "warmup"})
    >>> phased.current_behavior
    {'input_noise': 0.1}
    """

    kind: ClassVar[str] = "training_phase"
    aliases: ClassVar[tuple[str, ...]] = ("training_phase_aware",)
    role: ClassVar[Role] = "training"

    def __init__(
        self,
        inner: MettaModule,
        phase_behaviors: Mapping[str, Mapping[str, float]],
        component_name: str | None = None,
        *,
        seed: int | None = None,
        active: bool = True,
    ) -> None:
        super().__init__(inner, component_name=component_name, active=active)
        self.phase_behaviors = {phase: dict(behavior or {}) for phase, behavior in phase_behaviors.items()}
        if faults := _faults(self.phase_behaviors):
            raise ConfigError(f"phase_behaviors of {self.component_name}: " + " ".join(faults))
        self.seed = seed
        self._torch_seed = torch.initial_seed()
        self._generator: torch.Generator | None = None
        self._phase: str | None = None
        self._smoothed: dict[tuple[str, tuple[int, ...]], Tensor] = {}

    @property
    def current_behavior(self) -> dict[str, float]:
        """What is done at present."""
        if self.signals.training_phase in self.phase_behaviors:
            self._phase = self.signals.training_phase
        return {} if self._phase is None else self.phase_behaviors[self._phase]

    def _active_compute(self, td: TensorMap) -> dict[str, Tensor]:
        behavior = self.current_behavior
        if not behavior:
            return self.inner._compute(td)
        noise = behavior.get("input_noise", 0.0)
        if noise and self.training:
            td = {
                key: td[key] + noise * self._normal(td[key]) if _is_touched(key, td[key]) else td[key]
                for key in map(str, self.in_keys)
            }
        outputs = self.inner._compute(td)
        for key, value in outputs.items():
            if _is_touched(key, value):
                outputs[key] = self._changed(key, value, behavior)
        return outputs

    def _changed(self, key: str, value: Tensor, behavior: Mapping[str, float]) -> Tensor:
        if self.training:
            if rate := behavior.get("output_dropout", 0.0):
                kept = self._uniform(value) >= rate
                value = value * kept / (1 - rate) if rate < 1 else torch.zeros_like(value)
            if not torch.is_grad_enabled():
                if noise := behavior.get("exploration_noise", 0.0):
                    value = value + noise * self._normal(value)
                if (epsilon := behavior.get("epsilon", 0.0)) and key.endswith("logits"):
                    chances = (1 - epsilon) * value.softmax(-1) + epsilon / value.shape[-1]
                    value = chances.log()
        if factor := behavior.get("output_smoothing", 0.0):
            place = (key, tuple(value.shape))
            if (last := self._smoothed.pop(place, None)) is not None:
                value = factor * last.to(value) + (1 - factor) * value
            self._smoothed[place] = value.detach()
            if len(self._smoothed) > _MAX_SMOOTHED:
                self._smoothed.pop(next(iter(self._smoothed)))
        return value

    # --- noise ----------------------------------------------------------------------------------------------------

    def _normal(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self._own_generator()).to(like)

    def _uniform(self, like: Tensor) -> Tensor:
        return torch.rand(like.shape, generator=self._own_generator()).to(like)

    def _own_generator(self) -> torch.Generator:
        if self._generator is None:
            seed = self.seed if self.seed is not None else self._torch_seed ^ zlib.crc32(self.component_name.encode())
            self._generator = torch.Generator().manual_seed(seed & (2**63 - 1))
        return self._generator

    # --- state ----------------------------------------------------------------------------------------------------

    def wrapper_state(self) -> dict[str, Tensor]:
        phases = list(self.phase_behaviors)
        state = {"phase": torch.tensor(-1 if self._phase is None else phases.index(self._phase))}
        if self._generator is not None:
            state["generator"] = self._generator.get_state()
        for index, ((key, _), value) in enumerate(self._smoothed.items()):  # the oldest first
            state[f"smoothed/{index}/{key}"] = value
        return state

    def load_wrapper_state(self, state: Mapping[str, Tensor]) -> None:
        phase = int(state["phase"])
        self._phase = None if phase < 0 else list(self.phase_behaviors)[phase]
        self._generator = None
        if "generator" in state:
            self._own_generator().set_state(state["generator"].cpu())
        smoothed = [(key.split("/", 2), value) for key, value in state.items() if key.startswith("smoothed/")]
        self._smoothed = {
            (parts[2], tuple(value.shape)): value.clone()
            for parts, value in sorted(smoothed, key=lambda item: int(item[0][1]))
        }

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_generator": self._generator and self._generator.get_state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        kept = state.pop("_generator")
        super().__setstate__({**state, "_generator": None})
        if kept is not None:
            self._own_generator().set_state(kept)


def _is_touched(key: str, value: Tensor) -> bool:
    return value.is_floating_point() and not key.startswith((MEMORY_PREFIX, NEXT_MEMORY_PREFIX))


def _faults(phase_behaviors: Mapping[str, Mapping[str, Any]]) -> list[str]:
    faults: list[str] = []
    for phase, behavior in phase_behaviors.items():
        for name, value in behavior.items():
            if name not in BEHAVIORS:
                faults.append(
                    f"{phase}.{name} is no behaviour; there are {list(BEHAVIORS)}.{did_you_mean(name, BEHAVIORS)}"
                )
                continue
            low, high = BEHAVIORS[name]
            if not isinstance(value, int | float) or not low <= value <= high:
                faults.append(f"{phase}.{name} is {value!r}; expected a number from {low:g} to {high:g}.")
    return faults
