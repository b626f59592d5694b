"""Which segments a minibatch gets. Knows no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from metta.common.config import Config


class SamplingConfig(Config):
    """Segments in shuffled order, each once a pass, or drawn by the size of their advantages."""

    method: Literal["sequential", "prioritized"] = Field(
        default="sequential",
        description="sequential: all segments once a pass, shuffled; prioritized: drawn by their mean |advantage|",
    )
    prio_alpha: float = Field(
        default=0.6, ge=0, le=1, description="how much the priority counts; 0 = uniform draws, 1 = in proportion"
    )
    prio_beta0: float = Field(
        default=0.4, ge=0, le=1, description="how much of the bias is made good at the start; rises to 1 at the end"
    )
