"""What a training tells its wrappers: one small object that all wrappers of a network share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Signals:
    """The newest word of the trainer. Wrappers read it, the agent's edge and the trainer write it.

    Units: ``step`` counts agent-steps, ``gradient_norms`` are 2-norms by component name, ``performance`` is whatever
    the trainer reports of itself (``overview/reward`` ...).

    >>> Signals().training_phase
    'training'
    """

    training_phase: str = "training"
    step: int = 0
    gradient_norms: Mapping[str, float] = field(default_factory=dict)
    performance: Mapping[str, float] = field(default_factory=dict)
