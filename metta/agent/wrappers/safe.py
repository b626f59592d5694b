"""SafeWrapper: a component whose inputs and outputs are looked at before anybody uses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from metta.agent.module import MettaModule, Shape, TensorMap, check_tensors
from metta.agent.wrappers.base import Role, WrapperModule
from metta.common.errors import ConfigError, KeyContractError, NotANumberError
from metta.common.log import get_logger

_log = get_logger(__name__)


class SafeWrapper(WrapperModule):
    """Checks every call: keys, shapes, NaN and infinity on the way in and out; clips actions, warns of huge values.

    Shapes are those that the component declares, and those of ``input_specs`` and ``output_specs`` (trailing sizes,
    None for any). Outputs whose key ends in ``action`` are clipped to ``action_bounds``; where one ending in ``value``
    or ``values`` passes ``value_limit`` in size, the log says so at the 1st, 10th, 100th ... time. Checks read results
    back from the device, so the wrapper costs time on a GPU.

    Raises:
        NotANumberError: an input or output holds NaN or infinity; it names component and key.
        KeyContractError: an input or output is missing.
        ShapeContractError: one has another shape.
    """

    kind: ClassVar[str] = "safe"
    aliases: ClassVar[tuple[str, ...]] = ("SafeModule",)
    role: ClassVar[Role] = "behaviour"

    def __init__(
        self,
        inner: MettaModule,
        input_specs: Mapping[str, Sequence[int | str | None]] | None = None,
        output_specs: Mapping[str, Sequence[int | str | None]] | None = None,
        action_bounds: tuple[float, float] | None = None,
        nan_check: bool = True,
        component_name: str | None = None,
        *,
        value_limit: float | None = 1000.0,
        active: bool = True,
    ) -> None:
        super().__init__(inner, component_name=component_name, active=active)
        self.input_specs = self._specs("input_specs", input_specs, map(str, inner.in_keys), inner.input_shapes)
        outputs = [str(key) for key in inner.out_keys_source]
        self.output_specs = self._specs("output_specs", output_specs, outputs, inner.output_shapes)
        self.nan_check, self.value_limit = nan_check, value_limit
        self.action_bounds: tuple[float, float] | None = None
        if action_bounds is not None:
            low, high = (float(bound) for bound in action_bounds)
            if not low < high:
                raise ConfigError(
                    f"action_bounds of {self.component_name} are [{low}, {high}]; expected a lower and a higher number."
                )
            self.action_bounds = (low, high)
        self.extreme_values = 0

    def _specs(
        self, name: str, given: Mapping[str, Sequence[int | str | None]] | None, keys: Iterable[str], declared: Any
    ) -> dict[str, Shape]:
        there = list(keys)
        if unknown := sorted(set(given or {}) - set(there)):
            raise KeyContractError(f"{name} of SafeWrapper name {unknown}; {self.component_name} has {there}.")
        return {**declared, **{key: tuple(shape) for key, shape in (given or {}).items()}}

    def _active_compute(self, td: TensorMap) -> dict[str, Tensor]:
        name = self.component_name
        check_tensors(td, map(str, self.in_keys), self.input_specs, f"{name} reads")
        if self.nan_check:
            for key in map(str, self.in_keys):
                self._check_finite("input", key, td[key])
        outputs = self.inner._compute(td)
        check_tensors(outputs, map(str, self.out_keys_source), self.output_specs, f"{name} declares to write")
        for key, value in outputs.items():
            if self.nan_check:
                self._check_finite("output", key, value)
            if self.action_bounds is not None and key.endswith("action"):
                outputs[key] = value.clamp(*self.action_bounds)
            if self.value_limit is not None and key.endswith(("value", "values")):
                self._watch(key, value, self.value_limit)
        return outputs

    def _check_finite(self, what: str, key: str, value: Tensor) -> None:
        if not value.is_floating_point() or bool(torch.isfinite(value).all()):
            return
        nans, count = int(value.isnan().sum()), value.numel()
        infinite = int(value.isinf().sum())
        where = "upstream of it" if what == "input" else "in its weights, or its inputs are too large"
        raise NotANumberError(
            f"{what} {key!r} of component {self.component_name!r} holds {nans} NaN and {infinite} infinite numbers of "
            f"{count}. The fault lies {where}."
        )

    def _watch(self, key: str, value: Tensor, limit: float) -> None:
        value = value.detach()
        if not value.numel() or float(value.abs().max()) <= limit:
            return
        self.extreme_values += 1
        if str(self.extreme_values).strip("0") == "1":  # 1, 10, 100 ...
            _log.warning(
                "extreme estimates in output %r of component %r: [%.2f, %.2f], limit %g (seen %d times)",
                key,
                self.component_name,
                float(value.min()),
                float(value.max()),
                limit,
                self.extreme_values,
            )

    def report(self) -> dict[str, Any]:
        return {"_extreme_values": self.extreme_values} if self.active and self.extreme_values else {}


SafeModule = SafeWrapper
