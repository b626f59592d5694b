"""RegularizedWrapper: a penalty on the weights of one component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from tensordict import TensorDictBase
from torch import Tensor

from metta.agent.module import MettaModule
from metta.agent.wrappers.base import Role, WrapperModule
from metta.common.errors import ConfigError


class RegularizedWrapper(WrapperModule):
    """Adds ``l1_scale * sum|w| + l2_scale * sum w^2 + l2_init_scale * sum (w - w0)^2`` over the component's parameters.

    ``auxiliary_loss`` hands it to a trainer, which adds it to the loss; after a call by hand in train mode it stands in
    the dict or TensorDict as ``regularization_loss``, summed over all regularised components (spread over the batch
    of a TensorDict that has one: take the mean). A frozen component has no penalty. ``w0`` are the weights when the
    penalty is first asked for, so weights may be loaded before; with ``l2_init_update_interval`` they follow every so
    many optimizer steps: ``w0 <- l2_init_momentum * w0 + (1 - l2_init_momentum) * w``. They are part of
    ``wrapper_state``.

    Source: L2 to initial weights: Kumar, Marklund, Van Roy 2023, arXiv:2308.11958 eq. 1.
    """

    kind: ClassVar[str] = "regularized"
    aliases: ClassVar[tuple[str, ...]] = ("RegularizedModule",)
    role: ClassVar[Role] = "training"

    def __init__(
        self,
        inner: MettaModule,
        l2_scale: float = 0.01,
        l1_scale: float = 0.0,
        l2_init_scale: float = 0.0,
        component_name: str | None = None,
        *,
        l2_init_update_interval: int = 0,
        l2_init_momentum: float = 0.9,
        active: bool = True,
    ) -> None:
        super().__init__(inner, component_name=component_name, active=active)
        for name, scale in (("l2_scale", l2_scale), ("l1_scale", l1_scale), ("l2_init_scale", l2_init_scale)):
            if not 0 <= scale < float("inf"):
                raise ConfigError(f"{name} of {self.component_name} is {scale}; expected 0 (off) or more.")
        if not 0 <= l2_init_momentum <= 1 or l2_init_update_interval < 0:
            raise ConfigError(
                f"{self.component_name}: l2_init_momentum={l2_init_momentum} and l2_init_update_interval="
                f"{l2_init_update_interval}; expected a share between 0 and 1, and 0 (never) or a number of steps."
            )
        self.l2_scale, self.l1_scale, self.l2_init_scale = l2_scale, l1_scale, l2_init_scale
        self.l2_init_update_interval, self.l2_init_momentum = l2_init_update_interval, l2_init_momentum
        self._initial: dict[str, Tensor] = {}
        self._steps = 0

    def auxiliary_loss(self) -> Tensor | None:
        """The penalty, a scalar; None where there is nothing to learn."""
        named = [(name, weight) for name, weight in self.inner.named_parameters() if weight.requires_grad]
        if not self.active or self.frozen or not named:
            return None
        if self.l2_init_scale and not self._initial:
            self._initial = {name: weight.detach().clone() for name, weight in named}
        total = named[0][1].new_zeros(())
        for name, weight in named:
            if self.l2_scale:
                total = total + self.l2_scale * weight.square().sum()
            if self.l1_scale:
                total = total + self.l1_scale * weight.abs().sum()
            if self.l2_init_scale:
                initial = self._initial.setdefault(name, weight.detach().clone())
                total = total + self.l2_init_scale * (weight - initial.to(weight)).square().sum()
        return total

    def after_call(self, tensordict: Any) -> None:
        if self.training and (loss := self.auxiliary_loss()) is not None:
            if isinstance(tensordict, TensorDictBase):
                loss = loss.expand(tensordict.batch_size)
            earlier = tensordict.get("regularization_loss", None)
            tensordict["regularization_loss"] = loss if earlier is None else earlier + loss

    def after_step(self) -> None:
        self._steps += 1
        if self._initial and self.l2_init_update_interval and self._steps % self.l2_init_update_interval == 0:
            with torch.no_grad():
                for name, weight in self.inner.named_parameters():
                    if name in self._initial:
                        self._initial[name] = torch.lerp(
                            weight.detach(), self._initial[name].to(weight), self.l2_init_momentum
                        )

    def wrapper_state(self) -> dict[str, Tensor]:
        if not self._initial:
            return {}
        state = {f"initial/{name}": weight for name, weight in self._initial.items()}
        return {**state, "steps": torch.tensor(self._steps)}

    def load_wrapper_state(self, state: Mapping[str, Tensor]) -> None:
        self._steps = int(state["steps"]) if state else 0
        self._initial = {key[8:]: value.clone() for key, value in state.items() if key.startswith("initial/")}


RegularizedModule = RegularizedWrapper
