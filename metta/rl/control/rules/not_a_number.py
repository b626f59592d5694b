"""Stop when numbers stop being numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import ClassVar

from metta.common.errors import NotANumberError
from metta.rl.control.rules.base import Rule
from metta.rl.control.rules.rules_config import NotANumberConfig

_MSG_NAN = (
    "{what} became NaN or infinite in the update of epoch {epoch}. Likely causes: a learning rate that is too high "
    "(trainer.optimizer.learning_rate={lr}), gradients that are not clipped (trainer.max_grad_norm={clip}), or an "
    "environment that returns such rewards or observations."
)


class NotANumber(Rule[NotANumberConfig]):
    """Ends the run with a diagnosis: no control mends a weight that is NaN. It looks in the middle of the epoch."""

    name: ClassVar[str] = "not_a_number"

    def check(
        self, numbers: Mapping[str, float], name_culprits: Callable[[], str], *, epoch: int, lr: float, clip: float
    ) -> None:
        """Look at an update's numbers, before anything is saved from them.

        Raises:
            NotANumberError: one of them is not finite.
        """
        if self.config.enabled and not all(math.isfinite(number) for number in numbers.values()):
            raise NotANumberError(_MSG_NAN.format(what=name_culprits(), epoch=epoch, lr=lr, clip=clip))
