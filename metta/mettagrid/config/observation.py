"""What an agent sees: tokens or a box, the window, the number of tokens and the global tokens."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.limits import MAX_TOKENS

MIN_TOKENS = 16


class ObservationConfig(Config):
    """One agent's observation, and the global state (``docs/observations.md``).

    >>> ObservationConfig(width=5, height=7).num_tokens
    200
    """

    kind: Literal["tokens", "box"] = Field(
        default="tokens", description="tokens, or a dense box with a plane a feature"
    )
    width: int = Field(default=11, ge=3, le=15, description="cells seen from west to east, odd")
    height: int = Field(default=11, ge=3, le=15, description="cells seen from north to south, odd")
    shape: Literal["square", "circle"] = Field(default="square", description="of the window; an ellipse when oblong")
    line_of_sight: bool = Field(default=False, description="walls and other opaque things hide what is behind them")
    num_tokens: int = Field(default=200, ge=MIN_TOKENS, le=MAX_TOKENS, description="tokens per observation")
    overflow: Literal["drop_far", "error"] = Field(
        default="drop_far", description="tokens that do not fit: the farthest are dropped and counted, or an error"
    )
    episode_completion_pct: bool = Field(default=True, description="global token: floor(255 * step / max_steps)")
    last_action: bool = Field(default=True, description="global token: index of the agent's last action")
    last_reward: bool = Field(default=True, description="global token: 128 + round(100 * last reward), saturating")
    visitation_counts: bool = Field(
        default=False, description="tokens: how often the agent was here, and on the cells around"
    )
    global_state: bool = Field(default=False, description="one box of the whole map for each environment, for critics")

    @model_validator(mode="after")
    def _window_has_a_centre(self) -> Self:
        for key, size in (("width", self.width), ("height", self.height)):
            if size % 2 == 0:
                raise ValueError(
                    f"obs.{key}={size} has no centre cell for the agent; expected an odd number 3 .. 15. "
                    f"Set obs.{key}={size - 1} or {size + 1}."
                )
        return self
