"""ClippingWrapper: outputs clamped to ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from metta.agent.module import MettaModule, TensorMap
from metta.agent.wrappers.base import WrapperModule
from metta.common.errors import KeyContractError


class ClippingWrapper(WrapperModule):
    """Clamps the outputs named in ``clip_ranges`` to [low, high]; beyond the range their gradient is 0.

    >>> import torch
    >>> from metta.agent.components.linear import LinearModule
    >>> policy = ClippingWrapper(LinearModule(3, 2, "features", "logits"), {"logits": (-0.1, 0.1)})
    >>> bool((policy({"features": torch.randn(4, 3)})["logits"].abs() <= 0.1).all())
    True
    """

    kind: ClassVar[str] = "clipping"

    def __init__(
        self,
        inner: MettaModule,
        clip_ranges: Mapping[str, tuple[float, float]] | None = None,
        component_name: str | None = None,
        *,
        active: bool = True,
        **more_ranges: tuple[float, float],
    ) -> None:
        super().__init__(inner, component_name=component_name, active=active)
        self.clip_ranges = {key: _range(key, value) for key, value in {**(clip_ranges or {}), **more_ranges}.items()}
        if unknown := sorted(set(self.clip_ranges) - set(inner.out_keys_source)):
            raise KeyContractError(
                f"ClippingWrapper has ranges for {unknown}, which {self.component_name} does not write; it writes "
                f"{inner.out_keys_source}."
            )

    def _active_compute(self, td: TensorMap) -> dict[str, Tensor]:
        outputs = self.inner._compute(td)
        for key, (low, high) in self.clip_ranges.items():
            outputs[key] = outputs[key].clamp(low, high)
        return outputs

    def report(self) -> dict[str, Any]:
        return {}


def _range(key: str, value: tuple[float, float]) -> tuple[float, float]:
    low, high = (float(bound) for bound in value)
    if not low < high:
        raise KeyContractError(f"clip range of {key!r} is [{low}, {high}]; expected low < high.")
    return low, high
