"""What is done to rewards before advantages are computed. Knows no torch."""

from __future__ import annotations

from pydantic import Field

from metta.common.config import Config


class RewardCenteringConfig(Config):
    """Subtract the average reward of a step. For endless tasks: where episodes terminate it changes what is best."""

    enabled: bool = Field(default=False, description="subtract a running average of the reward of a step")
    rate: float = Field(default=1e-3, gt=0, le=1, description="share of the newest step in the running average")


class RewardNormalizationConfig(Config):
    """Divide by the deviation of discounted returns, so that values are of size 1 whatever the game pays."""

    enabled: bool = Field(default=False, description="divide by the running deviation of discounted returns")
    epsilon: float = Field(default=1e-8, gt=0, description="added to the variance")


class RewardsConfig(Config):
    """In this order: centering, normalization, clip. Metrics of episodes and ``experience/rewards`` stay raw."""

    centering: RewardCenteringConfig = RewardCenteringConfig()
    normalization: RewardNormalizationConfig = RewardNormalizationConfig()
    clip: float | None = Field(default=None, gt=0, description="limit what is left to +-clip; null = off")

    @property
    def is_on(self) -> bool:
        """Whether anything is done to rewards at all."""
        return self.centering.enabled or self.normalization.enabled or self.clip is not None
